"""Stage `timing`: training steps of several models, in turn, in one process, five times over -> results/timing.

Each device has a file of its own.

The Transformer is there twice, computed as published and in the fast way.
This stage alone may judge claims of speed: the steps of a round follow each other within seconds, so that what else
the machine does falls on all models alike. What a process happens to get, such as where its memory lies, stays for all
of its rounds; so the unit is a whole measurement, in a process started anew. A measurement that is finished is saved:
a kill costs one of them. The stage is to run alone on its device; how busy the processors were just before each
measurement says whether it did. Deterministic mode is off, as it was for the published times.
"""

import multiprocessing
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from pipeline.artifacts.cost_records import StepTimes, TimingResult
from pipeline.artifacts.provenance import provenance, slug
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.apart import call_apart
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import json_sha256, read_checked_json, write_checked_json
from pipeline.machine.failures import one_line
from pipeline.machine.gauge import Gauge
from pipeline.machine.setup import Machine, start
from pipeline.params.command_line import read_names
from pipeline.params.models import Precision
from pipeline.params.schema import Params
from pipeline.training.protocol import compile_blocks, make_optimiser, seeded_model, train_step

WARM_AFTER = {"cpu": 0.0, "cuda": 3.0}
"""Seconds for which a device is warmed up at least: an idle GPU's clock rises slowly, and its first steps compile."""


def main() -> None:
    _, params = read_names(__doc__)
    machine = begin(params)
    stamp = provenance(machine, common_precision(params))
    entries = {name: params.models[name].as_written() for name in params.timing.models}
    made_with = {"train": params.train.model_dump(), "timing": params.timing.model_dump(), "entries": entries}
    folder = paths.TIMING_WORK / json_sha256(made_with | {"provenance": stamp.model_dump()})
    measurements = [
        measured(params, folder / f"measurement-{number}.json", f"measurement {number} of {params.timing.measurements}")
        for number in range(1, params.timing.measurements + 1)
    ]
    result = TimingResult(
        batch_size=params.train.batch_size,
        block_size=params.models[params.timing.models[0]].block_size,  # which all of them share
        timing=params.timing.steps(),
        entries=entries,
        measurements=measurements,
        provenance=stamp,
    )
    write_result(paths.timing(slug(machine)), result)
    shutil.rmtree(paths.TIMING_WORK)


def begin(params: Params) -> Machine:
    """Set up this process."""
    runtime = params.runtime.model_copy(update={"deterministic": False})
    return start(runtime, *(params.models[name] for name in params.timing.models))


def common_precision(params: Params) -> Precision | None:
    """The precision of all timed models; None where they differ."""
    precisions = {params.models[name].precision for name in params.timing.models}
    return precisions.pop() if len(precisions) == 1 else None


def measured(params: Params, save: Path, name: str) -> StepTimes:
    """A whole measurement in a process of its own, or what it gave before this stage was killed."""
    try:
        found = StepTimes.model_validate(read_checked_json(save, remove=save))
        print(f"{name}: made before", flush=True)
        return found
    except (UserError, ValidationError):  # there is none, or a damaged one
        pass
    context = multiprocessing.get_context("spawn")
    found = call_apart(context, measure, params.model_dump(exclude_unset=True))
    write_checked_json(save, found.model_dump())
    told = ", ".join(f"{model} {median(seconds):.3f} s" for model, seconds in found.seconds.items())
    print(f"{name}: {told}", flush=True)
    return found


def measure(values: dict[str, Any]) -> StepTimes:
    """One measurement, with what params.yaml says, in the process that calls this."""
    params = Params.model_validate(values)
    machine = begin(params)
    busy = machine.gauge.busy_share(seconds=1.0)
    generator = torch.Generator().manual_seed(0)
    shape = (params.train.batch_size, params.models[params.timing.models[0]].block_size + 1)
    batch = torch.randint(params.timing.vocab_size, shape, generator=generator).to(machine.device)
    with one_line("timing", machine.name, "lower train.batch_size, or free what others have of it"):
        return StepTimes(busy_before=busy, seconds=time_in_turn(params, machine.gauge, batch))


def time_in_turn(params: Params, gauge: Gauge, batch: Tensor) -> dict[str, list[float]]:
    """Wall clock in seconds of whole training steps on `batch` (B, T + 1), which alternate between the models."""
    settings = params.train
    steppers = {}
    for name in params.timing.models:
        entry = params.models[name]
        model = seeded_model(entry.config(params.timing.vocab_size), 0, batch.device)
        if entry.compile:
            compile_blocks(model)
        steppers[name] = (model, make_optimiser(model, settings), entry.precision)

    def timed_round() -> dict[str, float]:
        seconds = {}
        for name, (model, optimiser, precision) in steppers.items():
            started = time.perf_counter()
            train_step(model, optimiser, batch, settings.learning_rate, settings, precision)
            gauge.wait()
            seconds[name] = time.perf_counter() - started
        return seconds

    warm_up(timed_round, params.timing.warmup, WARM_AFTER[gauge.kind])
    rounds = [timed_round() for _ in range(params.timing.repetitions)]
    return {name: [each[name] for each in rounds] for name in steppers}


def warm_up(timed_round: Callable[[], object], rounds: int, seconds: float) -> None:
    """So many rounds, and for so long."""
    started, made = time.perf_counter(), 0
    while made < rounds or time.perf_counter() - started < seconds:
        timed_round()
        made += 1


if __name__ == "__main__":
    exit_cleanly(main)
