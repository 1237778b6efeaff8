"""Numbers about several runs."""

import math
from dataclasses import dataclass
from statistics import mean, stdev

CONFIDENCE = 0.95
FEWEST = 3
"""Runs from which on an interval is given."""


@dataclass(frozen=True)
class Estimate:
    """A mean over n runs, and the half width of its interval where n allows one."""

    mean: float
    half_width: float | None
    n: int


def estimate(values: list[float]) -> Estimate:
    """Mean and two-sided 95 % t interval: mean +- t(n - 1) * s / sqrt(n) (Student 1908; quantile from scipy)."""
    n = len(values)
    if n < FEWEST:
        return Estimate(mean(values), None, n)
    from scipy.special import stdtrit  # half a second, needed only where an interval is

    t = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    return Estimate(mean(values), t * stdev(values) / math.sqrt(n), n)
