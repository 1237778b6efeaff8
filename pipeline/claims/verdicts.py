"""The rule by which claims are judged. Its margins stand in params.yaml, fixed before the numbers."""

from typing import Literal

from pipeline.claims.intervals import Estimate

Verdict = Literal["not judged", "not run", "not reproduced", "inconclusive", "reproduced"]
UNDECIDED: tuple[Verdict, ...] = ("not judged", "not run")


def beyond(effect: Estimate, margin: float) -> Verdict:
    """Whether the effect lies on the claimed side, which is above 0, by more than `margin`."""
    if effect.low is None or effect.high is None:
        return "inconclusive"
    if effect.low > margin:
        return "reproduced"
    return "not reproduced" if effect.high <= margin else "inconclusive"


def between(effect: Estimate, low: float, high: float) -> Verdict:
    """Whether the effect lies in the range from `low` to `high`."""
    if effect.low is None or effect.high is None:
        return "inconclusive"
    if low <= effect.low and effect.high <= high:
        return "reproduced"
    return "not reproduced" if effect.high < low or high < effect.low else "inconclusive"


def holds(fact: bool) -> Verdict:
    """The verdict on a property that a model has or has not."""
    return "reproduced" if fact else "not reproduced"


def together(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a claim: all that is judged must have been run and hold, one that fails fails it."""
    judged = [verdict for verdict in verdicts if verdict != "not judged"]
    if not judged:
        return "not judged"
    for verdict in ("not run", "not reproduced", "inconclusive"):
        if verdict in judged:
            return verdict
    return "reproduced"
