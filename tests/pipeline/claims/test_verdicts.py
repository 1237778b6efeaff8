"""The rule of the claims, case by case."""

import pytest

from pipeline.base.paths import HOUSE
from pipeline.claims.intervals import Estimate
from pipeline.claims.verdicts import Part, Verdict, between, beyond, holds, rule, together
from pipeline.params.schema import load_params


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.011, 0.05, "reproduced"),
        (0.005, 0.05, "inconclusive"),
        (0.01, 0.05, "inconclusive"),
        (0.001, 0.01, "not reproduced"),  # beyond zero, within the margin
        (-0.005, 0.02, "inconclusive"),
        (-0.05, -0.02, "not reproduced"),
        (None, None, "inconclusive"),
    ],
)
def test_beyond(low: float | None, high: float | None, verdict: Verdict) -> None:
    assert beyond(Estimate(0.02, low, high, 3), margin=0.01) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.95, 1.05, "reproduced"),
        (0.9, 1.1, "reproduced"),
        (0.85, 1.05, "inconclusive"),
        (1.05, 1.2, "inconclusive"),
        (1.2, 1.4, "not reproduced"),
        (0.1, 0.2, "not reproduced"),
        (None, None, "inconclusive"),
    ],
)
def test_between(low: float | None, high: float | None, verdict: Verdict) -> None:
    assert between(Estimate(1.0, low, high, 3), 0.9, 1.1) == verdict


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "inconclusive"], "inconclusive"),
        (["reproduced", "not reproduced"], "not reproduced"),
        (["inconclusive", "not reproduced"], "not reproduced"),
        (["not reproduced", "not run"], "not run"),
    ],
)
def test_together(parts: list[Verdict], verdict: Verdict) -> None:
    assert together([Part("x", "1", 3, part) for part in parts]) == verdict


def test_the_rule_prints_the_margins() -> None:
    claims = load_params(HOUSE / "params.yaml").claims
    text = rule(claims)
    for number in ("0.01 nats", "2% for times", "0.01 for gate", "T = 1024", "0.9 to 1.1", "1.8 to 2.2"):
        assert number in text
    assert holds(True) == "reproduced"
    assert holds(False) == "not reproduced"
