"""What the models of a family are worth beside counts of the same tokens: what they learned, which no loss says."""

from dataclasses import dataclass

from pipeline.artifacts.current import read_ngrams
from pipeline.artifacts.records import NGRAMS
from pipeline.claims.comparisons import Evidence, all_evidence, loss
from pipeline.claims.intervals import estimate
from pipeline.params.schema import Params

FREQUENCIES_ALONE = "no model learned more than frequencies"
BELOW_BIGRAM = "no model beats a bigram count"
MEANING = {
    FREQUENCIES_ALONE: "verdicts by losses and gates tell that training did not get far, and no more",
    BELOW_BIGRAM: "verdicts by losses tell how fast models learn what one token of context is worth, not what more is",
}
"""What follows for the verdicts from each remark."""


@dataclass(frozen=True)
class Worth:
    """Validation losses in nats per token."""

    label: str
    """Which text and models."""
    best: float
    """The lowest mean of a model, after the last epoch."""
    unigram: float
    bigram: float
    margin: float
    """A difference up to this is too small to matter."""

    @property
    def remark(self) -> str:
        """What a verdict on these models must be read with; empty where they beat both counts."""
        if self.best >= self.unigram - self.margin:
            return FREQUENCIES_ALONE
        return BELOW_BIGRAM if self.best > self.bigram else ""

    @property
    def sentence(self) -> str:
        """All three losses, and what follows."""
        beside_unigram, beside_bigram = (_distance(self.best, count) for count in (self.unigram, self.bigram))
        text = (
            f"{self.label}: the lowest mean loss of a model lies {beside_unigram} that of a unigram count, which knows "
            f"how frequent each token is, and {beside_bigram} that of a bigram count, which knows one token of context."
        )
        return f"{text} So {self.remark}: {MEANING[self.remark]}." if self.remark else text


def worth(evidence: Evidence) -> Worth | None:
    """None where nothing was trained, or the text has not been counted."""
    curves = [list(curves.values()) for curves in evidence.curves.values() if curves]
    ngrams = read_ngrams(evidence.params, evidence.dataset)
    if ngrams is None or not curves:
        return None
    steps = max(runs[0].epochs[-1].steps for runs in curves)
    unigram, bigram = (ngrams.models[name]["validation"].loss for name in NGRAMS)
    return Worth(
        label=f"{evidence.dataset}, family {evidence.family}, {steps:,} steps",
        best=min(estimate([loss(curve, "last") for curve in runs]).mean for runs in curves),
        unigram=unigram,
        bigram=bigram,
        margin=evidence.claims.margin_nats,
    )


def worths(params: Params) -> list[str]:
    """The sentences of all families."""
    return [found.sentence for evidence in all_evidence(params) if (found := worth(evidence))]


def _distance(loss: float, other: float) -> str:
    return f"{abs(loss - other):.4f} nats {'above' if loss > other else 'below'}"
