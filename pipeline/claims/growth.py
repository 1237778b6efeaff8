"""By what the cost of one block grows each time that its input doubles, and what arithmetic makes of it."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from pipeline.artifacts.cost_records import ScalingPoint, ScalingResult
from pipeline.claims.arithmetic import kept_numbers, multiply_adds
from pipeline.claims.intervals import CONFIDENCE, Estimate, growth_exponent, ratio_in_rounds
from pipeline.claims.verdicts import Verdict, between
from pipeline.params.schema import Claims, Params

Cost = Literal["time", "queued time", "memory"]
COSTS: tuple[Cost, ...] = ("time", "memory")
"""What claims are judged by. Beside them a GPU has queued time: with all work told before it begins."""
FEWEST_LENGTHS = 5
"""Lengths from which on an exponent is shown: fewer tell how a line bends, not how noisy it is."""


@dataclass(frozen=True)
class Doubling:
    """One step from a length to twice that length."""

    length: int
    """The shorter one, in tokens."""
    ratio: Estimate
    """Of the cost at twice the length to that at the length. The interval of a memory is a point: it is a count, and
    the same in every run."""
    predicted: float | None
    """The same ratio by arithmetic alone: of multiply-adds for time, of what is kept for the backward pass for memory.
    None where there is no formula."""


@dataclass(frozen=True)
class Growth:
    """All the doublings that were measured of one cost, from the shortest on."""

    doublings: tuple[Doubling, ...]

    @property
    def ratios(self) -> list[float]:
        return [each.ratio.mean for each in self.doublings]

    @property
    def predicted(self) -> list[float]:
        """Empty where there is no formula."""
        return [each.predicted for each in self.doublings if each.predicted is not None]


def growth(scaling: ScalingResult, cost: Cost, params: Params, confidence: float = CONFIDENCE) -> Growth:
    """What was measured between the first and the last length that claims are judged by."""
    claims, found = params.claims, {point.length: point for point in scaling.points}
    doublings = []
    for shorter, longer in pairwise(asked_lengths(claims)):
        if shorter in found and longer in found:
            ratio = _ratio(found[longer], found[shorter], cost, confidence)
            if ratio is not None:
                doublings.append(Doubling(shorter, ratio, predicted_ratio(params, scaling.model, cost, shorter)))
    return Growth(tuple(doublings))


def asked_lengths(claims: Claims) -> list[int]:
    """The lengths in tokens between which growth is judged, each twice the one before."""
    lengths = [claims.shortest]
    while lengths[-1] < claims.longest:
        lengths.append(2 * lengths[-1])
    return lengths


def predicted_ratio(params: Params, model: str, cost: Cost, length: int) -> float | None:
    """By what arithmetic has a block's cost grow from `length` tokens to twice as many."""
    config = params.models[model].block_config()
    formula = kept_numbers if cost == "memory" else multiply_adds
    shorter, longer = formula(config, length), formula(config, 2 * length)
    return longer / shorter if shorter and longer else None


def judge_growth(scaling: ScalingResult, cost: Cost, params: Params, allowed: list[float], parts: int) -> Verdict:
    """Reproduced: at every doubling the whole interval lies in the range. One that lies outside it fails the claim.

    A claim has `parts` doublings any one of which may fail it, so each does so at a level divided by their number, and
    the interval that must lie outside is that much wider.
    """

    def verdicts(confidence: float) -> set[Verdict]:
        doublings = growth(scaling, cost, params, confidence).doublings
        return {between(each.ratio, *allowed) for each in doublings}

    if verdicts(CONFIDENCE) == {"reproduced"}:
        return "reproduced"
    failed = verdicts(1 - (1 - CONFIDENCE) / parts) - {"reproduced", "inconclusive"}
    return failed.pop() if failed else "inconclusive"


def side(grown: Growth, allowed: list[float]) -> str:
    """On which side of the range those doublings lie that are outside it; nothing where on both, or on none."""
    less = any(each.ratio.mean < allowed[0] for each in grown.doublings)
    more = any(each.ratio.mean > allowed[1] for each in grown.doublings)
    return "" if less == more else "grows by less" if less else "grows by more"


def exponent(scaling: ScalingResult, cost: Cost, params: Params) -> Estimate | None:
    """The slope of log cost against log length, from the shortest length on that counts; None with fewer than five."""
    values = {point.length: _value(point, cost) for point in scaling.points if point.length >= params.claims.shortest}
    there = {length: value for length, value in values.items() if value is not None}
    return growth_exponent(list(there), list(there.values())) if len(there) >= FEWEST_LENGTHS else None


def _ratio(longer: ScalingPoint, shorter: ScalingPoint, cost: Cost, confidence: float) -> Estimate | None:
    if cost != "memory":
        more, less = _times(longer, cost), _times(shorter, cost)
        return ratio_in_rounds(more, less, confidence) if more and less else None
    if longer.peak_mib is None or shorter.peak_mib is None:
        return None
    ratio = longer.peak_mib / shorter.peak_mib
    return Estimate(ratio, ratio, ratio, 1)


def _value(point: ScalingPoint, cost: Cost) -> float | None:
    if cost == "memory":
        return point.peak_mib
    times = _times(point, cost)
    return median(times) if times else None


def _times(point: ScalingPoint, cost: Cost) -> list[float]:
    """In ms; empty where none was measured."""
    return point.queued_milliseconds if cost == "queued time" else point.milliseconds
