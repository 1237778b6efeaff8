"""Each claim with all its answers: one for every text and family of models that it was asked of."""

from dataclasses import dataclass

from pipeline.artifacts.devices import Device, read_devices
from pipeline.claims.comparisons import all_compared_runs
from pipeline.claims.family import corrected, counted_once
from pipeline.claims.intervals import ALPHA
from pipeline.claims.measurements import Measurement
from pipeline.claims.paper import ON_DEVICES, ON_TEXTS
from pipeline.claims.verdicts import CONCLUSIVE, FEWEST, Verdict, together
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
    is_primary: bool = False
    """Whether its tests were named beforehand and are corrected together with others."""
    device: Device | None = None
    """Of times and memory; None for what models learn."""

    @property
    def parts(self) -> list[Measurement]:
        """What the claim rests on and can be judged."""
        return [each for each in self.measurements if each.is_part and each.verdict != "not judged"]

    @property
    def measured(self) -> list[Measurement]:
        """The parts that have a value."""
        return [each for each in self.parts if each.value is not None]

    @property
    def beside(self) -> list[Measurement]:
        """What has a verdict and does not decide: the claim does not rest on it."""
        judged = (*CONCLUSIVE, "inconclusive")
        return [each for each in self.measurements if not each.is_part and each.verdict in judged]

    @property
    def verdict(self) -> Verdict:
        """On all parts together; the more parts, the surer one must be that fails all of them."""
        return together([self.verdict_of(part) for part in self.parts])

    @property
    def uncorrected(self) -> Verdict:
        """What it would be if each part were the only test."""
        return together([part.uncorrected or part.verdict for part in self.parts])

    def verdict_of(self, part: Measurement) -> Verdict:
        """What a part says of the whole claim: it fails it at its level divided by the number of parts.

        The levels of primary tests are divided already, by all that were named.
        """
        if part.level is None or (self.is_primary and part.tests):
            return part.verdict
        is_sure = part.level <= ALPHA / sum(each.is_test for each in self.parts)
        return part.verdict if is_sure or part.verdict not in ("contradicted", "no effect") else "inconclusive"

    @property
    def deciding(self) -> list[Measurement]:
        """The parts that the verdict comes from."""
        return [part for part in self.parts if self.verdict_of(part) == self.verdict]

    @property
    def has_too_few(self) -> bool:
        """Whether a test of it has fewer runs than are judged."""
        return any(each.is_test and each.n < FEWEST for each in self.parts)

    @property
    def was_tested(self) -> bool:
        """Whether it could have come out either way: by a valid test on enough runs."""
        return self.verdict in CONCLUSIVE or (self.verdict == "inconclusive" and not self.has_too_few)


def answers(params: Params) -> list[Answer]:
    """Those about time and memory first, then family by family and text by text."""
    found = []
    timed = _size(params, params.timed_gam())
    for device in read_devices(params):
        measured = counted_once({claim: measure(params, device) for claim, measure in ON_DEVICES.items()})
        for claim, measurements in measured.items():
            is_papers = timed == _papers_size(params)
            found.append(Answer(claim, None, None, timed, is_papers, measurements, device=device))
    for runs in all_compared_runs(params):
        size, primary = _size(params, runs.model("gam")), params.families[runs.family].primary
        asked = sorted(params.datasets[runs.dataset].claims, key=_number)
        measured = counted_once(corrected({claim: ON_TEXTS[claim](runs) for claim in asked}, primary))
        for claim, measurements in measured.items():
            is_papers = size == _papers_size(params)
            found.append(Answer(claim, runs.dataset, runs.family, size, is_papers, measurements, claim in primary))
    return found


def by_claim(found: list[Answer]) -> dict[str, list[Answer]]:
    """The answers to each claim, the claims in their order; a claim that no text was asked about has none."""
    claims = sorted([*ON_DEVICES, *ON_TEXTS], key=_number)
    return {claim: [answer for answer in found if answer.claim == claim] for claim in claims}


def most_telling(found: list[Answer]) -> Answer | None:
    """Of one claim's answers those by a valid test go first, then the paper's own runs, then models of its size, then
    those from a GPU, which the paper's are from."""
    return min(found, key=_distance, default=None)


def answered_by(earlier: list[Answer], answer: Answer) -> str | None:
    """The one claim among them that was answered by all that this one was measured by."""
    same = {each.answered_by for each in answer.measured}
    beside = {other.claim for other in earlier if (other.dataset, other.family) == (answer.dataset, answer.family)}
    return same.pop() if len(same) == 1 and same <= beside else None


def _distance(answer: Answer) -> tuple[int, bool, bool, bool, bool]:
    """From what would answer the paper best."""
    waiting: dict[Verdict, int] = {"inconclusive": 1, "no valid test": 2}
    distance = 0 if answer.was_tested else waiting.get(answer.verdict, 3)
    is_gpu = answer.device is not None and answer.device.is_gpu
    return distance, not answer.measured, answer.family not in (None, PAPER), not answer.is_papers_size, not is_gpu


def _number(claim: str) -> int:
    return int(claim.removeprefix("C"))


def _size(params: Params, model: str | None) -> Size | None:
    entry = params.models[model] if model else None
    return Size(entry.d_model, entry.n_layer, entry.block_size) if entry else None


def _papers_size(params: Params) -> Size | None:
    gams = [model for model in params.families[PAPER].models if params.models[model].role == "gam"]
    return _size(params, gams[0]) if gams else None
