"""Numbers about several runs. docs/statistics.md says which method is used for what, and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

ALPHA = 0.05
"""How often a true value may lie outside of its interval."""
CONFIDENCE = 1 - ALPHA
FEWEST = 3
"""Runs from which on an interval is given."""
RESAMPLES = 9999


@dataclass(frozen=True)
class Estimate:
    """A value from n observations, and its interval where n allows one."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @property
    def finite_mean(self) -> float | None:
        """The mean; None where no float holds it."""
        return self.mean if math.isfinite(self.mean) else None

    def times(self, factor: float) -> "Estimate":
        """The same in another unit."""
        low, high = (None if end is None else factor * end for end in (self.low, self.high))
        return Estimate(factor * self.mean, low, high, self.n)

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def estimate(values: Sequence[float | None]) -> Estimate:
    """Mean and two-sided 95 % t interval: mean +- t(n - 1) s / sqrt(n) (Student 1908; quantile from scipy).

    Where a value is None, since no float holds it, the mean is infinite and there is no interval.
    """
    finite = [value for value in values if value is not None]
    if len(finite) < len(values):
        return Estimate(math.inf, None, None, len(values))
    n, mean = len(finite), fmean(finite)
    if n < FEWEST:
        return Estimate(mean, None, None, n)
    half_width = _t_quantile(n - 1) * stdev(finite) / math.sqrt(n)
    return Estimate(mean, mean - half_width, mean + half_width, n)


def level(effect: Estimate, margin: float) -> float | None:
    """The smallest alpha whose 1 - alpha t interval lies on one side of `margin`, and of -`margin`: then it decides.

    That is p of the two-sided t test that the true value is the nearer of the two. None without an interval.
    """
    from scipy.special import stdtr

    if effect.half_width is None:
        return None
    distance = min(abs(effect.mean - margin), abs(effect.mean + margin))
    if effect.half_width == 0:
        return 0.0 if distance > 0 else 1.0
    t = distance / effect.half_width * _t_quantile(effect.n - 1)
    return 2 * float(stdtr(effect.n - 1, -t))


def probability_of_improvement(differences: list[float]) -> float:
    """Share of pairs won, that is with a difference above 0, ties half (Agarwal et al. 2021, section 4.3)."""
    return fmean(1.0 if difference > 0 else 0.5 if difference == 0 else 0.0 for difference in differences)


def saved(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Estimate:
    """Part of a time that is saved, from whole measurements, in each of which the two were timed in turn, in rounds.

    A measurement gives 1 - the median of ours / theirs within a round; over measurements it is as in `estimate`.
    """
    medians = [
        median(our / their for our, their in zip(*rounds, strict=True)) for rounds in zip(ours, theirs, strict=True)
    ]
    return estimate([1 - ratio for ratio in medians])


def ratio_in_rounds(longer: list[float], shorter: list[float], confidence: float = CONFIDENCE) -> Estimate:
    """Median of longer / shorter within a round, and its percentile bootstrap over rounds (Efron 1979), fixed seed."""
    import numpy as np

    ratios = [one / other for one, other in zip(longer, shorter, strict=True)]
    rounds = np.random.default_rng(0).integers(len(ratios), size=(RESAMPLES, len(ratios)))
    drawn = np.median(np.array(ratios)[rounds], axis=1)
    low, high = (float(end) for end in np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return Estimate(median(ratios), low, high, len(ratios))


def growth_exponent(lengths: list[int], values: list[float]) -> Estimate:
    """Slope of log(value) against log(length) by least squares, and its t interval on n - 2 degrees of freedom.

    Standard error: the residuals' root mean square over n - 2, by the root of the squares of x (Fisher 1922).
    `statistics.linear_regression` rounds otherwise from Python 3.12 on: the tables would differ in the last digit.
    """
    x, y = [math.log(length) for length in lengths], [math.log(value) for value in values]
    mean_x, mean_y = fmean(x), fmean(y)
    spread = math.fsum((xi - mean_x) * (xi - mean_x) for xi in x)
    slope = math.fsum((xi - mean_x) * (yi - mean_y) for xi, yi in zip(x, y, strict=True)) / spread
    offset = mean_y - slope * mean_x
    residuals = math.fsum((yi - offset - slope * xi) ** 2 for xi, yi in zip(x, y, strict=True))
    half_width = _t_quantile(len(x) - 2) * math.sqrt(residuals / (len(x) - 2) / spread)
    return Estimate(slope, slope - half_width, slope + half_width, len(x))


def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit  # half a second, needed only where there is an interval

    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
