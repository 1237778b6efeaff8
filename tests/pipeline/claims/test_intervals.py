"""Statistics against worked examples."""

import math

import pytest
from scipy import stats

from pipeline.claims.intervals import (
    Estimate,
    estimate,
    growth_exponent,
    level,
    probability_of_improvement,
    ratio_in_rounds,
    saved,
)

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
    """The unit is a measurement: what its rounds have in common, and whatever disturbs one of them, is left out."""
    ours, theirs = (
        [[1.0, 1.1, 7.0], [2.0, 2.2, 1.8], [0.8, 0.9, 0.7]],
        [[2.0, 2.2, 1.8], [4.0, 4.4, 3.6], [2.0, 2.0, 2.0]],
    )
    effect = saved(ours, theirs)
    assert effect == estimate([0.5, 0.5, 0.6])
    assert effect.n == 3
    assert saved(ours[:2], theirs[:2]) == Estimate(0.5, None, None, 2)


def test_ratio_in_rounds() -> None:
    longer, shorter = [2.0, 3.0, 4.1, 2.1, 1.9] * 2, [1.0, 1.5, 2.0, 1.0, 1.0] * 2
    effect = ratio_in_rounds(longer, shorter)
    ratios = [one / other for one, other in zip(longer, shorter, strict=True)]
    reference = stats.bootstrap(
        (ratios,), lambda a, axis: stats.quantile(a, 0.5, axis=axis), method="percentile", rng=1
    ).confidence_interval
    assert effect.mean == pytest.approx(2.0)
    assert (effect.low, effect.high) == (
        pytest.approx(reference.low, abs=0.02),
        pytest.approx(reference.high, abs=0.02),
    )
    wider = ratio_in_rounds(longer, shorter, confidence=0.999)
    assert wider.high is not None
    assert effect.high is not None
    assert wider.high > effect.high
    assert ratio_in_rounds(longer, shorter) == effect  # a fixed seed


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


def test_estimate() -> None:
    """Against a worked example: Student's sleep data, drug 1 (n = 10, mean 0.75, sd 1.78901, t 2.262157)."""
    result = estimate([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    assert result.mean == pytest.approx(0.75)
    assert result.half_width == pytest.approx(2.262157 * 1.78901 / 10**0.5, rel=1e-5)
    assert estimate([1.0, 2.0]).half_width is None


@pytest.mark.parametrize("margin", [0.3, 1.5, 1.58, 2.0])
def test_level(margin: float) -> None:
    """The interval of that level ends where the nearer margin is: p of the t test against it."""
    effect = estimate(SLEEP)
    found = level(effect, margin)
    assert found == pytest.approx(stats.ttest_1samp(SLEEP, margin).pvalue)
    assert found is not None
    if margin != 1.58:  # the mean itself: there level is 1 and the interval empty
        ends = stats.ttest_1samp(SLEEP, 0).confidence_interval(1 - found)
        assert margin == pytest.approx(ends.low if margin < effect.mean else ends.high)


def test_level_of_what_lies_below_the_other_margin() -> None:
    less = [-value for value in SLEEP]
    assert level(estimate(less), 0.3) == level(estimate(SLEEP), 0.3)
    assert level(estimate([1.0, 2.0]), 0.3) is None
    assert level(estimate([2.0, 2.0, 2.0]), 0.3) == 0
    assert level(estimate([2.0, 2.0, 2.0]), 2.0) == 1
