"""Each claim with all its answers: one for every text and family of models that it was asked of."""

from dataclasses import dataclass

from pipeline.claims.baselines import Baselines, baselines
from pipeline.claims.comparisons import all_compared_runs
from pipeline.claims.measurements import Measurement
from pipeline.claims.paper import ON_MACHINES, ON_TEXTS
from pipeline.claims.verdicts import UNDECIDED, Verdict, together
from pipeline.params.families import PAPER
from pipeline.params.schema import Params


@dataclass(frozen=True)
class Size:
    """How large models are, told by the GAM among them."""

    d_model: int
    n_layer: int
    block_size: int


@dataclass(frozen=True)
class Answer:
    """What one family of models on one text says of a claim."""

    claim: str
    """Its id."""
    dataset: str | None
    """None for times and memory, which do not depend on the text."""
    family: str | None
    """None likewise."""
    size: Size | None
    """None where the family has no GAM."""
    is_papers_size: bool
    """Whether the models are as large as those of the family that stands beside the paper."""
    measurements: list[Measurement]
    baselines: Baselines | None
    """None for times and memory too."""

    @property
    def verdict(self) -> Verdict:
        """On all measurements together."""
        return together([each.verdict for each in self.measurements])

    @property
    def is_decided(self) -> bool:
        """Whether it was run and could be judged."""
        return self.verdict not in UNDECIDED

    @property
    def measured(self) -> list[Measurement]:
        """Those that have a value and are, or will be, judged."""
        return [each for each in self.measurements if each.value is not None and each.verdict != "not judged"]


def answers(params: Params) -> list[Answer]:
    """Those about time and memory first, then family by family and text by text."""
    found = []
    timed = _size(params, params.timed_gam())
    for claim, measure in ON_MACHINES.items():
        is_papers = timed == _papers_size(params)
        found.append(Answer(claim, None, None, timed, is_papers, measure(params), None))
    for runs in all_compared_runs(params):
        size, beside = _size(params, runs.model("gam")), baselines(runs)
        is_papers = size == _papers_size(params)
        for name in params.datasets[runs.dataset].claims:
            measured = ON_TEXTS[name](runs)
            found.append(Answer(name, runs.dataset, runs.family, size, is_papers, measured, beside))
    return found


def by_claim(found: list[Answer]) -> dict[str, list[Answer]]:
    """The answers to each claim, the claims in their order; a claim that no text was asked about has none."""
    claims = sorted([*ON_MACHINES, *ON_TEXTS], key=lambda claim: int(claim.removeprefix("C")))
    return {claim: [answer for answer in found if answer.claim == claim] for claim in claims}


def most_telling(found: list[Answer]) -> Answer | None:
    """Of one claim's answers the decided ones go first, then the paper's own runs, then models of the paper's size."""
    return min(found, key=_distance, default=None)


def answered_by(earlier: list[Answer], answer: Answer) -> str | None:
    """The claim that was answered by the same measurements before."""
    there = [each for each in answer.measurements if each.value is not None]
    same = [other.claim for other in earlier if there and all(each in other.measurements for each in there)]
    return same[0] if same else None


def _distance(answer: Answer) -> tuple[bool, bool, bool, bool]:
    """From what the paper did."""
    return not answer.is_decided, not answer.measured, answer.family not in (None, PAPER), not answer.is_papers_size


def _size(params: Params, model: str | None) -> Size | None:
    entry = params.models[model] if model else None
    return Size(entry.d_model, entry.n_layer, entry.block_size) if entry else None


def _papers_size(params: Params) -> Size | None:
    gams = [model for model in params.families[PAPER].models if params.models[model].role == "gam"]
    return _size(params, gams[0]) if gams else None
