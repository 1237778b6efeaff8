"""Stages `train` and `ablation`: token ids -> weights and learning curve of one run.

A run that was killed goes on from its last save, at most SAVE_EVERY seconds and a step old, and ends with the same
weights and curve. One whose loss is not finite leaves a file that says in which step, and fails. A run that is there
already, complete and made with all that it depends on now, is left as it is. Started by torchrun, several processes
share each batch of one run; the first of them writes.
"""

import shutil
import sys
from contextlib import nullcontext
from typing import Any

from pipeline.artifacts.current import is_current
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import Clock, Curve, Diverged, EpochLosses, EpochSeconds, Provenance
from pipeline.artifacts.settings import fingerprint_sha256, recorded_settings, settings_of
from pipeline.artifacts.storage import read_result, write_result
from pipeline.artifacts.tensors import DamagedError, read_tensors
from pipeline.artifacts.weights import save_weights
from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import json_sha256
from pipeline.base.interruption import Interruption
from pipeline.base.lock import only_writer
from pipeline.data.tokens import TokenFolder, open_tokens
from pipeline.machine.failures import one_line
from pipeline.machine.processes import Processes, joined
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.protocols import Train
from pipeline.params.schema import Params
from pipeline.training.protocol import Epoch, NotFiniteError, RunState
from pipeline.training.running import run_to_end


def main() -> None:
    with joined() as processes:
        train_in(processes)


def train_in(processes: Processes) -> None:
    """Make the run that the command line names, together with the other processes, if there are any."""
    args, params = read_names(__doc__, "dataset", "model", "seed")
    run = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    name = f"{args.dataset} {args.model} seed {args.seed}"
    interruption = Interruption(silent=not processes.is_first)
    machine = start(params.runtime_of(args.dataset, args.model), params.models[args.model])
    processes = processes.on(machine.device)
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    stamp = provenance(machine, params.models[args.model].precision, tokens, processes.count)
    settings = settings_of(params, args.dataset, args.model)
    if settings is None:
        needed = f"{paths.tuning(args.dataset, args.model)} is missing or out of date"
        raise UserError(f"{needed}: `python -m pipeline.tune --dataset {args.dataset} --model {args.model}` makes it")
    if processes.is_first and processes.count > settings.batch_size:
        more = f"{processes.count} processes share batches of {settings.batch_size} blocks"
        print(f"{name}: {more}, so that some have none: take at most {settings.batch_size}", file=sys.stderr)
    with only_writer(paths.lock(**run), name) if processes.is_first else nullcontext():
        if processes.from_first(lambda: is_finished(params, run, stamp)):
            if processes.is_first:
                print(f"{name}: trained already; to train it again, delete {paths.weights(**run)} first")
            return
        remedy = f"lower train.batch_size or the model's block_size, or set models.{args.model}.precision to bfloat16"
        with one_line(name, machine.name, remedy):
            train(params, run, name, tokens, stamp, settings, interruption, processes)


def train(
    params: Params,
    run: dict[str, Any],
    name: str,
    tokens: TokenFolder,
    stamp: Provenance,
    settings: Train,
    interruption: Interruption,
    processes: Processes,
) -> None:
    """Train from the last save to the end; the first process writes what came of it."""
    entry, folder = params.models[run["model"]], paths.work(**run) / work_key(params, run, settings, stamp)
    config = entry.config(tokens.vocab_size)
    train_blocks, validation_blocks = (tokens.blocks(split, config.block_size) for split in ("train", "validation"))
    blocks = train_blocks, validation_blocks
    try:
        state, made_by = run_to_end(
            name, entry, config, settings, run["seed"], blocks, stamp, folder, interruption, processes
        )
    except NotFiniteError as error:
        if processes.is_first:
            ended = Diverged(
                **run, **made_with(params, run, settings), step=error.step, epoch=error.epoch, provenance=stamp
            )
            write_result(paths.diverged(**run), ended)
        raise
    if processes.is_first:
        write_run(params, run, settings, state, len(train_blocks) * config.block_size, made_by)
        shutil.rmtree(folder)


def write_run(
    params: Params, run: dict[str, Any], settings: Train, state: RunState, tokens: int, made_by: list[Provenance]
) -> None:
    """Weights, clock, and the curve last: with it the run is complete. `tokens` is what an epoch predicts."""
    *earlier, stamp = made_by
    fields = run | {"weights": save_weights(state.model, paths.weights(**run)), "provenance": stamp}
    write_result(paths.clock(**run), Clock(**fields, epochs=[seconds(epoch, tokens) for epoch in state.epochs]))
    curve = Curve(
        **fields,
        **made_with(params, run, settings),
        parameters=state.model.n_parameters(),
        epochs=[losses(epoch) for epoch in state.epochs],
        earlier=earlier,
    )
    write_result(paths.curve(**run), curve)
    paths.diverged(**run).unlink(missing_ok=True)


def made_with(params: Params, run: dict[str, Any], settings: Train) -> dict[str, Any]:
    """The parameters that a run is made with, as its files name them."""
    return {
        "data": params.datasets[run["dataset"]].what(),
        "entry": params.models[run["model"]].as_written(),
        "train": recorded_settings(params, run["dataset"], run["model"], settings),
        "fingerprint": fingerprint_sha256(run["model"]),
    }


def losses(epoch: Epoch) -> EpochLosses:
    return EpochLosses(
        epoch=epoch.number, steps=epoch.steps, train_loss=epoch.train_loss, validation_loss=epoch.validation_loss
    )


def seconds(epoch: Epoch, tokens: int) -> EpochSeconds:
    return EpochSeconds(
        epoch=epoch.number,
        train_seconds=epoch.train_seconds,
        validation_seconds=epoch.validation_seconds,
        tokens_per_second=tokens / epoch.train_seconds,
    )


def is_finished(params: Params, run: dict[str, Any], stamp: Provenance) -> bool:
    """Whether all that this run writes is there, undamaged, from the same data, parameters and computation."""
    try:
        curve, clock = read_result(paths.curve(**run), Curve), read_result(paths.clock(**run), Clock)
        weights = read_tensors(paths.weights(**run))[2]
    except (UserError, FileNotFoundError, DamagedError):
        return False
    if curve is None or clock is None or not is_current(curve, params):
        return False
    same_run = all(getattr(curve, field) == value for field, value in run.items())
    same_data = (curve.provenance.data, curve.provenance.device_type) == (stamp.data, stamp.device_type)
    return same_run and same_data and curve.weights == clock.weights == weights


def work_key(params: Params, run: dict[str, Any], settings: Train, stamp: Provenance) -> str:
    """Hash of everything that the run depends on: one that differs in any of it does not go on from its saves."""
    depends_on = {
        "run": run,
        "data": stamp.data,
        "entry": params.models[run["model"]].as_written(),
        "train": recorded_settings(params, run["dataset"], run["model"], settings),
        "fingerprint": fingerprint_sha256(run["model"]),
        "device_type": stamp.device_type,
        "instructions": stamp.instructions,
    }
    return json_sha256(depends_on)


if __name__ == "__main__":
    exit_cleanly(main)
