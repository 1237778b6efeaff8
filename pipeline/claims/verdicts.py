"""The rule by which claims are judged (docs/statistics.md). Its margins stand in params.yaml, fixed beforehand."""

from typing import Literal

from pipeline.claims.intervals import Estimate

Verdict = Literal["not judged", "not run", "no valid test", "inconclusive", "no effect", "contradicted", "reproduced"]
CONCLUSIVE: tuple[Verdict, ...] = ("reproduced", "contradicted", "no effect")
FEWEST = 5
"""Runs from which on losses and gates are judged; their interval is shown earlier."""
WORST_FIRST: tuple[Verdict, ...] = ("not run", "contradicted", "no effect", "no valid test", "inconclusive")
"""What keeps a claim of several parts from being reproduced."""


def judged(effect: Estimate, margin: float, is_valid: bool | None) -> Verdict:
    """The verdict on a difference between runs, which is claimed to be more than `margin`.

    is_valid: whether the models learned enough for the test to tell something; None where a run, or a count of tokens,
    is missing.
    """
    if is_valid is None:
        return "not run"
    if not is_valid:
        return "no valid test"
    return beyond(effect, margin) if effect.n >= FEWEST else "inconclusive"


def beyond(effect: Estimate, margin: float) -> Verdict:
    """Whether the effect lies on the claimed side, which is above 0, by more than `margin`."""
    if effect.low is None or effect.high is None:
        return "inconclusive"
    if effect.low > margin:
        return "reproduced"
    if effect.high < -margin:
        return "contradicted"
    return "no effect" if -margin <= effect.low and effect.high <= margin else "inconclusive"


def between(effect: Estimate, low: float, high: float) -> Verdict:
    """Whether the effect lies in the range from `low` to `high`."""
    if effect.low is None or effect.high is None:
        return "inconclusive"
    if low <= effect.low and effect.high <= high:
        return "reproduced"
    return "contradicted" if effect.high < low or high < effect.low else "inconclusive"


def holds(fact: bool) -> Verdict:
    """The verdict on a property that a model has or has not."""
    return "reproduced" if fact else "contradicted"


def as_equality(verdict: Verdict) -> Verdict:
    """What the verdict on a difference says of the claim that there is none."""
    opposite: dict[Verdict, Verdict] = {
        "reproduced": "contradicted",
        "contradicted": "contradicted",
        "no effect": "reproduced",
    }
    return opposite.get(verdict, verdict)


def together(verdicts: list[Verdict]) -> Verdict:
    """The verdict on a claim: all that is judged must have been run and hold, one that fails fails it."""
    parts = [verdict for verdict in verdicts if verdict != "not judged"]
    if not parts:
        return "not judged"
    return next((verdict for verdict in WORST_FIRST if verdict in parts), "reproduced")
