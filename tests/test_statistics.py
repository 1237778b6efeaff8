"""Statistics against worked examples, and the rule of the claims case by case."""

import math

import pytest
from scipy import stats

from pipeline.base.paths import HOUSE
from pipeline.claims.intervals import Estimate, estimate, growth_exponent, probability_of_improvement, saved
from pipeline.claims.verdicts import Part, Verdict, between, beyond, holds, rule, together
from pipeline.params.schema import load_params

SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
"""Student's paired differences of 1908: mean 1.58, t interval 0.7001 to 2.4599."""


def test_paired_interval() -> None:
    effect = estimate(SLEEP)
    assert effect.mean == pytest.approx(1.58)
    assert (effect.low, effect.high) == (pytest.approx(0.7001142, abs=1e-6), pytest.approx(2.4598858, abs=1e-6))
    assert effect.n == 10
    reference = stats.ttest_1samp(SLEEP, 0).confidence_interval(0.95)
    assert (effect.low, effect.high) == (pytest.approx(reference.low), pytest.approx(reference.high))
    assert estimate([1.0, 3.0]) == Estimate(2.0, None, None, 2)
    assert estimate([2.0, 2.0, 2.0]) == Estimate(2.0, 2.0, 2.0, 3)


def test_probability_of_improvement() -> None:
    assert probability_of_improvement([0.1, 0.2, -0.1, 0.0]) == pytest.approx(2.5 / 4)


def test_saved_time() -> None:
    ours, theirs = [1.0, 1.1, 0.9, 1.05, 0.95] * 4, [2.0, 2.2, 1.8, 2.1, 1.9] * 4
    effect = saved(ours, theirs)  # each round of theirs takes twice as long
    assert effect.mean == pytest.approx(0.5)
    assert (effect.low, effect.high) == (pytest.approx(0.5), pytest.approx(0.5))
    noisy = [1.0, 1.3, 0.8, 1.1, 0.9, 1.2, 1.0, 0.7, 1.4, 1.1]
    effect = saved(noisy, theirs[:10])
    reference = stats.bootstrap(
        (noisy, theirs[:10]),
        lambda a, b, axis: 1 - stats.quantile(a, 0.5, axis=axis) / stats.quantile(b, 0.5, axis=axis),
        paired=True, method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    assert effect.low == pytest.approx(reference.low, abs=0.02)
    assert effect.high == pytest.approx(reference.high, abs=0.02)
    assert saved(noisy, theirs[:10]) == effect  # a fixed seed


def test_growth_exponent() -> None:
    lengths = [1024, 2048, 4096, 8192]
    exact = growth_exponent(lengths, [3e-6 * length**2 for length in lengths])
    assert exact.mean == pytest.approx(2)
    assert exact.low == pytest.approx(2, abs=1e-6)
    measured = [10.0, 21.0, 39.0, 83.0]
    fit = stats.linregress([math.log(x) for x in lengths], [math.log(y) for y in measured])
    half_width = stats.t.ppf(0.975, 2) * fit.stderr
    effect = growth_exponent(lengths, measured)
    assert effect.mean == pytest.approx(fit.slope)
    assert effect.half_width == pytest.approx(half_width)


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
