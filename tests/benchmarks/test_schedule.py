"""The simulated schedule, against what can be told without it."""

import math
from statistics import mean, stdev

import pytest

from benchmarks.schedule import Failures, Job, simulate

TEN = [Job(f"train {n}", 10.0) for n in range(10)]


@pytest.mark.parametrize(("slots", "makespan"), [(1, 100), (2, 50), (3, 40), (10, 10), (64, 10)])
def test_equal_jobs_fill_the_slots(slots: int, makespan: float) -> None:
    assert simulate(TEN, slots).makespan == makespan


def test_a_job_waits_for_what_it_needs() -> None:
    jobs = [Job("tables", 1.0, ("evaluate",)), Job("evaluate", 2.0, ("train",)), Job("train", 5.0), Job("other", 7.0)]
    assert simulate(jobs, 2).makespan == 8.0
    assert simulate(jobs, 1).makespan == 15.0


def test_needs_that_nobody_makes() -> None:
    with pytest.raises(ValueError, match="some jobs need what no job makes"):
        simulate([Job("a", 1.0, ("b",)), Job("b", 1.0, ("a",))], 1)


def test_failures_cost_what_theory_says() -> None:
    """Without a save a job of T seconds takes (exp(rate T) - 1) (1 / rate + pause) in the mean."""
    rate, seconds, pause = 1 / 3600, 3000.0, 100.0
    never_saved = Failures(hours_between=1.0, saved_every=math.inf, pause=pause)
    took = [simulate([Job("train", seconds)], 1, never_saved, seed).makespan for seed in range(4000)]
    expected = (math.exp(rate * seconds) - 1) * (1 / rate + pause)
    assert mean(took) == pytest.approx(expected, abs=4 * stdev(took) / math.sqrt(len(took)))


def test_saves_bound_what_is_lost() -> None:
    saved = Failures(hours_between=1.0, saved_every=60.0)
    outcome = simulate([Job(f"train {n}", 3000.0) for n in range(200)], 8, saved)
    assert outcome.failures > 100
    assert 0 < outcome.lost < 60 * outcome.failures
    assert outcome == simulate([Job(f"train {n}", 3000.0) for n in range(200)], 8, saved), "the same seed"
