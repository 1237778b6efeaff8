"""Trainings side by side against one after another: what `make grid JOBS=n` gains on this machine."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stages import one_model, run, scratch_copy

ROUNDS = 5
# Two layers of the paper's GAM, some small steps and one validation.
GAM = {"n_layer": 2}
STORIES = {"rows": {"train": 25, "validation": 5, "test": 5}, "vocab_size": 150, "block_size": 256}
TRAIN = {"epochs": 1, "batch_size": 8}


@dataclass(frozen=True)
class Gain:
    """Seconds of each round of as many trainings as there are jobs, whole commands."""

    jobs: int
    cores: int
    one_after_another: list[float]
    """Each with all cores."""
    side_by_side: list[float]
    """Each with its share of the cores, or one."""


def time_side_by_side(jobs: int) -> Gain:
    """Rounds of both ways in turn. Raises RuntimeError where a training fails."""
    cores = len(os.sched_getaffinity(0))
    one_after_another, side_by_side = [], []
    with scratch_copy(**settings(cores)) as whole, scratch_copy(**settings(max(1, cores // jobs))) as shared:
        for house in (whole, shared):
            run(house, "pipeline.fetch", "--dataset", "stories")
            run(house, "pipeline.tokenise", "--dataset", "stories")
        for first in range(0, ROUNDS * jobs, jobs):
            one_after_another.append(train(whole, range(first, first + jobs), at_once=1))
            side_by_side.append(train(shared, range(first, first + jobs), at_once=jobs))
    return Gain(jobs, cores, one_after_another, side_by_side)


def settings(threads: int) -> dict[str, Any]:
    """What differs from params.yaml."""
    return {"runtime": {"threads": threads}} | one_model(range(2 * ROUNDS), GAM, STORIES, TRAIN)


def train(house: Path, seeds: range, at_once: int) -> float:
    """Seconds until a training with each seed has ended."""

    def train_one(seed: int) -> None:
        run(house, "pipeline.train", "--dataset", "stories", "--model", "gam", "--seed", str(seed))

    started = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(train_one, seeds))
    return time.perf_counter() - started
