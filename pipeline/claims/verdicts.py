"""The rule by which claims are judged. Its margins stand in params.yaml, fixed before the numbers."""

from dataclasses import dataclass
from typing import Literal

from pipeline.claims.intervals import Estimate
from pipeline.params.schema import Claims

Verdict = Literal["not judged", "not run", "not reproduced", "inconclusive", "reproduced"]
UNDECIDED: tuple[Verdict, ...] = ("not judged", "not run")


@dataclass(frozen=True)
class Part:
    """One measurement that a claim rests on."""

    measured: str
    """What, in a few words."""
    effect: str
    """Its size with its interval."""
    n: int
    """Runs, pairs or rounds."""
    verdict: Verdict
    where: str = ""
    """On what, where that is not told by the text and the models: hardware and the size of the operation."""
    lacking: tuple[str, ...] = ()
    """Models that it is about and that there are none of."""


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


def judged(parts: list[Part]) -> list[Part]:
    """Those that a verdict rests on."""
    return [part for part in parts if part.verdict != "not judged"]


def together(parts: list[Part]) -> Verdict:
    """The verdict on a claim: all of its parts that are judged must have been run and hold, one that fails fails it."""
    verdicts = [part.verdict for part in judged(parts)]
    if not verdicts:
        return "not judged"
    if "not run" in verdicts:
        return "not run"
    if "not reproduced" in verdicts:
        return "not reproduced"
    return "inconclusive" if "inconclusive" in verdicts else "reproduced"


def rule(claims: Claims) -> str:
    """The rule in words, for a table's note."""
    return (
        "Rule, fixed beforehand: not run where a run of the grid that it needs is missing; inconclusive below n = 3; "
        "reproduced where the whole 95 % interval lies on the claimed side beyond the margin; not reproduced where all "
        "of it lies inside the margin or on the other side; else inconclusive. A claim of several parts is reproduced "
        "if all are, and not reproduced if one is not. Not judged are parts about a model that the family lacks, and "
        "claims of such parts alone; nor, by a rule added after the first times and changing no verdict then, times of "
        "a Mamba without mamba-ssm's kernels. "
        f"Margins: {claims.margin_nats} nats for differences of loss, {claims.margin_ratio:.0%} for times, "
        f"{claims.margin_gate} for gate values. Growth is fitted from T = {claims.shortest} on; linear: exponent in "
        f"{claims.linear[0]} to {claims.linear[1]}, quadratic: {claims.quadratic[0]} to {claims.quadratic[1]}."
    )
