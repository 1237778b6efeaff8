"""The claims of one family on one text, judged together: primary tests corrected, and no measurement counted twice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.claims.intervals import ALPHA
from pipeline.claims.measurements import Measurement
from pipeline.claims.verdicts import CONCLUSIVE, as_equality


def step_down(levels: Sequence[float]) -> list[bool]:
    """Which of several tests decide while all of them together err in 5 % of cases at most (Holm 1979).

    The smallest level is compared with 0.05 / m, the next with 0.05 / (m - 1), and so on until one is too large.
    """
    decides = [False] * len(levels)
    for done, at in enumerate(sorted(range(len(levels)), key=lambda at: levels[at])):
        if levels[at] > ALPHA / (len(levels) - done):
            break
        decides[at] = True
    return decides


def corrected(measured: Mapping[str, list[Measurement]], primary: Sequence[str]) -> dict[str, list[Measurement]]:
    """`measured`, by claim, with Holm's correction over the tests of the primary claims.

    What is read off another measurement is no test of its own. A test without a verdict keeps its place.
    """
    after = {claim: list(found) for claim, found in measured.items()}
    places = [
        (claim, at)
        for claim in primary
        for at, each in enumerate(after.get(claim, []))
        if each.is_test and not each.is_equality
    ]
    levels = [_level(after[claim][at]) for claim, at in places]
    for (claim, at), decides in zip(places, step_down(levels), strict=True):
        test = replace(after[claim][at], tests=len(places))
        is_lost = test.verdict in CONCLUSIVE and not decides
        after[claim][at] = replace(test, verdict="inconclusive", uncorrected=test.verdict) if is_lost else test
    return after


def _level(test: Measurement) -> float:
    return test.level if test.level is not None and test.verdict in CONCLUSIVE else 1.0


def counted_once(measured: Mapping[str, list[Measurement]]) -> dict[str, list[Measurement]]:
    """`measured`, by claim; what a claim has measured already, another has from there, with the verdict it has there.

    A measurement belongs to the claim whose primary test it is, else to the first that it answers as a difference.
    """
    owners: dict[object, tuple[str, Measurement]] = {}
    for is_primary in (True, False):
        for claim, found in measured.items():
            for each in found:
                if each.value is not None and bool(each.tests) == is_primary and not each.is_equality:
                    owners.setdefault(_identity(each), (claim, each))
    return {
        claim: [_as_measured(each, claim, *owners.get(_identity(each), (claim, each))) for each in found]
        for claim, found in measured.items()
    }


def _as_measured(measurement: Measurement, claim: str, owner: str, there: Measurement) -> Measurement:
    if claim == owner:
        return measurement
    verdict, alone = there.verdict, there.uncorrected
    if measurement.is_equality:
        verdict, alone = as_equality(verdict), as_equality(alone) if alone else None
    return replace(measurement, answered_by=owner, verdict=verdict, uncorrected=alone, tests=there.tests)


def _identity(measurement: Measurement) -> object:
    """The same for two measurements of the same numbers."""
    return measurement.models or measurement.what, measurement.after, measurement.value, measurement.source
