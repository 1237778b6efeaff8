"""Stage `timing`: training steps of several models, in turn, in one process -> results/timing.json.

The Transformer is there twice, computed as published and in the fast way.
This stage alone may judge claims of speed: the steps of a round follow each other within seconds, so that what else
the machine does falls on all models alike. It is to run alone on its device; how busy the processors were just before
says whether it did. Deterministic mode is off, as it was for the published times.
"""

import time

import torch
from torch import Tensor

from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import StepTimes, TimingResult
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.machine.load import busy_share
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.models import Precision
from pipeline.params.schema import Params
from pipeline.training.protocol import compile_blocks, make_optimiser, seeded_model, train_step


def main() -> None:
    _, params = read_names(__doc__)
    block_size = params.models[params.timing.models[0]].block_size  # which all of them share
    busy = busy_share(seconds=1.0)
    entries = [params.models[name] for name in params.timing.models]
    machine = start(params.runtime.model_copy(update={"deterministic": False}), *entries)
    generator = torch.Generator().manual_seed(0)
    shape = (params.train.batch_size, block_size + 1)
    batch = torch.randint(params.timing.vocab_size, shape, generator=generator).to(machine.device)
    times = time_in_turn(params, batch)
    models = {
        name: StepTimes(entry=params.models[name].as_written(), seconds=seconds) for name, seconds in times.items()
    }
    result = TimingResult(
        batch_size=params.train.batch_size,
        block_size=block_size,
        timing=params.timing.steps(),
        busy_before=busy,
        models=models,
        provenance=provenance(machine, common_precision(params)),
    )
    write_result(paths.TIMING, result)


def common_precision(params: Params) -> Precision | None:
    """The precision of all timed models; None where they differ."""
    precisions = {params.models[name].precision for name in params.timing.models}
    return precisions.pop() if len(precisions) == 1 else None


def time_in_turn(params: Params, batch: Tensor) -> dict[str, list[float]]:
    """Wall clock in seconds of whole training steps on `batch` (B, T + 1), which alternate between the models."""
    settings = params.train
    steppers = {}
    for name in params.timing.models:
        entry = params.models[name]
        model = seeded_model(entry.config(params.timing.vocab_size), 0, batch.device)
        if entry.compile:
            compile_blocks(model)
        steppers[name] = (model, make_optimiser(model, settings), entry.precision)
    times: dict[str, list[float]] = {name: [] for name in params.timing.models}
    for _ in range(params.timing.warmup + params.timing.repetitions):
        for name, (model, optimiser, precision) in steppers.items():
            started = time.perf_counter()
            loss = train_step(model, optimiser, batch, settings.learning_rate, settings, precision)
            loss.item()  # waits for the forward pass
            if batch.is_cuda:
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - started)
    return {name: seconds[params.timing.warmup :] for name, seconds in times.items()}


if __name__ == "__main__":
    exit_cleanly(main)
