"""A grid of jobs on so many slots, simulated: when it ends, how often a job failed, and what work was lost."""

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """What takes a slot for so long."""

    name: str
    seconds: float
    needs: tuple[str, ...] = ()
    """Names of the jobs that must have ended before."""


@dataclass(frozen=True)
class Failures:
    """Of slots. A job goes on from its last save, on any slot; the slot that failed comes back after the same pause."""

    hours_between: float = math.inf
    """Mean time that a slot works from one failure to the next; the time is exponential."""
    saved_every: float = 60.0
    """Seconds of work between two saves."""
    pause: float = 120.0
    """Seconds until job and slot are back: as long as Slurm holds a job back that it queues again."""


@dataclass(frozen=True)
class Outcome:
    """All in seconds."""

    makespan: float
    """From the first job's start to the last one's end."""
    lost: float
    """Work that was done again."""
    failures: int


NONE = Failures()


def simulate(jobs: Sequence[Job], slots: int, failures: Failures = NONE, seed: int = 0) -> Outcome:
    """The launcher's way: a free slot takes the first job, in the order of `jobs`, whose needs have ended.

    Raises ValueError where some jobs can never begin.
    """
    draw = random.Random(seed)
    missing = [len(job.needs) for job in jobs]
    needed_by: dict[str, list[int]] = {}
    for at, job in enumerate(jobs):
        for need in job.needs:
            needed_by.setdefault(need, []).append(at)
    left = [job.seconds for job in jobs]
    ready = [at for at, count in enumerate(missing) if not count]
    events: list[tuple[float, int, int, str]] = []  # time, number, job, what
    clock = lost = 0.0
    free, ended, failed, number = slots, 0, 0, 0
    while ended < len(jobs):
        while free and ready:
            at, free = heapq.heappop(ready), free - 1
            until = draw.expovariate(1) * 3600 * failures.hours_between
            happens = "fails" if until < left[at] else "ends"
            number += 1
            heapq.heappush(events, (clock + min(until, left[at]), number, at, happens))
            if happens == "fails":
                unsaved = until % failures.saved_every
                left[at] -= until - unsaved
                lost, failed = lost + unsaved, failed + 1
        if not events:
            raise ValueError("some jobs need what no job makes, or each other")
        clock, _, at, happens = heapq.heappop(events)
        if happens == "fails":
            number += 1
            heapq.heappush(events, (clock + failures.pause, number, at, "is back"))
            continue
        free += 1
        if happens == "is back":
            heapq.heappush(ready, at)
            continue
        ended += 1
        for other in needed_by.get(jobs[at].name, ()):
            missing[other] -= 1
            if not missing[other]:
                heapq.heappush(ready, other)
    return Outcome(clock, lost, failed)
