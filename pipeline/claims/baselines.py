"""How well the models of a family predict beside n-gram counts of the same tokens: what they learned of the text."""

from dataclasses import dataclass
from typing import Literal

from pipeline.artifacts.current import read_ngrams
from pipeline.artifacts.records import NGRAMS
from pipeline.claims.comparisons import ComparedRuns, loss
from pipeline.claims.intervals import estimate

Remark = Literal["models learned only word frequencies", "models worse than word-pair counts"]


@dataclass(frozen=True)
class Baselines:
    """Validation losses in nats per token, after the last epoch."""

    best: float
    """The lowest mean of a model."""
    unigram: float
    bigram: float
    margin: float
    """A difference up to this is too small to matter."""
    steps: int
    """Of a training."""

    @property
    def remark(self) -> Remark | None:
        """What a verdict on these models must be read with; None where they beat both counts."""
        if self.best >= self.unigram - self.margin:
            return "models learned only word frequencies"
        return "models worse than word-pair counts" if self.best > self.bigram else None


def baselines(runs: ComparedRuns) -> Baselines | None:
    """None where nothing was trained, or the text has not been counted."""
    curves = [list(curves.values()) for curves in runs.curves.values() if curves]
    ngrams = read_ngrams(runs.params, runs.dataset)
    if ngrams is None or not curves:
        return None
    unigram, bigram = (ngrams.models[name]["validation"].loss for name in NGRAMS)
    return Baselines(
        best=min(estimate([loss(curve, "last") for curve in seeds]).mean for seeds in curves),
        unigram=unigram,
        bigram=bigram,
        margin=runs.claims.margin_nats,
        steps=max(seeds[0].epochs[-1].steps for seeds in curves),
    )
