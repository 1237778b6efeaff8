"""The rule of the claims, case by case."""

import pytest

from pipeline.claims.intervals import Estimate
from pipeline.claims.verdicts import Verdict, as_equality, between, beyond, holds, judged, together

CASES: list[tuple[float | None, float | None, Verdict]] = [
    (0.011, 0.05, "reproduced"),
    (0.005, 0.05, "inconclusive"),
    (0.01, 0.05, "inconclusive"),
    (0.001, 0.01, "no effect"),  # beyond zero, within the margin
    (-0.01, 0.01, "no effect"),
    (-0.005, 0.02, "inconclusive"),
    (-0.02, 0.005, "inconclusive"),
    (-0.05, -0.01, "inconclusive"),
    (-0.05, -0.011, "contradicted"),
    (None, None, "inconclusive"),
]


@pytest.mark.parametrize(("low", "high", "verdict"), CASES)
def test_beyond(low: float | None, high: float | None, verdict: Verdict) -> None:
    effect = Estimate(0.02, low, high, 5)
    assert beyond(effect, margin=0.01) == verdict
    assert judged(effect, 0.01, is_valid=True) == verdict


@pytest.mark.parametrize(("low", "high", "verdict"), CASES)
def test_the_order_in_which_it_is_judged(low: float | None, high: float | None, verdict: Verdict) -> None:
    """Whatever the interval: first whether all was run, then whether the test is valid, then how many seeds."""
    for n in (3, 4, 5):
        effect = Estimate(0.02, low, high, n)
        assert judged(effect, 0.01, is_valid=None) == "not run"
        assert judged(effect, 0.01, is_valid=False) == "no valid test"
        assert judged(effect, 0.01, is_valid=True) == (verdict if n == 5 else "inconclusive")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.95, 1.05, "reproduced"),
        (0.9, 1.1, "reproduced"),
        (0.85, 1.05, "inconclusive"),
        (1.05, 1.2, "inconclusive"),
        (1.2, 1.4, "contradicted"),
        (0.1, 0.2, "contradicted"),
        (None, None, "inconclusive"),
    ],
)
def test_between(low: float | None, high: float | None, verdict: Verdict) -> None:
    assert between(Estimate(1.0, low, high, 3), 0.9, 1.1) == verdict


@pytest.mark.parametrize(("low", "high"), [(low, high) for low, high, _ in CASES])
def test_an_equality_is_what_lies_between_the_margins(low: float | None, high: float | None) -> None:
    effect = Estimate(0.0, low, high, 5)
    assert as_equality(beyond(effect, 0.01)) == between(effect, -0.01, 0.01)


@pytest.mark.parametrize("verdict", ["not judged", "not run", "no valid test", "inconclusive"])
def test_what_was_not_found_out_says_nothing_of_an_equality_either(verdict: Verdict) -> None:
    assert as_equality(verdict) == verdict


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "inconclusive"], "inconclusive"),
        (["reproduced", "contradicted"], "contradicted"),
        (["no effect", "contradicted"], "contradicted"),
        (["reproduced", "no effect"], "no effect"),
        (["inconclusive", "no effect"], "no effect"),
        (["no valid test", "no effect"], "no effect"),  # it fails, whatever the other would say
        (["no valid test", "reproduced"], "no valid test"),
        (["no valid test", "inconclusive"], "no valid test"),
        (["contradicted", "not run"], "not run"),
        (["not judged", "reproduced"], "reproduced"),
        (["not judged", "not judged"], "not judged"),
    ],
)
def test_together(parts: list[Verdict], verdict: Verdict) -> None:
    assert together(parts) == together(parts[::-1]) == verdict


def test_a_property_holds_or_not() -> None:
    assert holds(True) == "reproduced"
    assert holds(False) == "contradicted"
