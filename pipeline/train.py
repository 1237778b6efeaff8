"""Stages `train` and `ablation`: token ids -> weights and learning curve of one run.

A run that was killed goes on from its last save, at most SAVE_EVERY seconds and a step old, and ends with the same
weights and curve. A run that is there already, complete and made with all that it depends on now, is left as it is.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import torch

from pipeline.artifacts.current import fingerprint_sha256, is_current
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import Clock, Curve, EpochLosses, EpochSeconds, Provenance
from pipeline.artifacts.storage import read_result, write_result
from pipeline.artifacts.tensors import DamagedError, read_tensors
from pipeline.artifacts.weights import save_weights
from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import json_sha256, require_space
from pipeline.base.interruption import Interruption
from pipeline.base.lock import only_writer
from pipeline.data.tokens import TokenFolder, open_tokens
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.schema import Params
from pipeline.training.progress import Progress
from pipeline.training.protocol import Epoch, RunState, Step, compile_blocks, seeded_model, train_epochs
from pipeline.training.saves import KEPT, restore, save

SAVE_EVERY = 50.0
"""Seconds between two saves, so that a kill costs less than a minute."""


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model", "seed")
    run = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    name = f"{args.dataset} {args.model} seed {args.seed}"
    interruption = Interruption()
    machine = start(params.runtime, params.models[args.model])
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    stamp = provenance(machine, params.models[args.model].precision, tokens)
    with only_writer(paths.lock(**run), name):
        if is_finished(params, run, stamp):
            print(f"{name}: trained already; to train it again, delete {paths.weights(**run)} first")
            return
        folder = paths.work(**run) / work_key(params, run, stamp)
        try:
            train(params, run, name, tokens, stamp, folder, interruption)
        except torch.OutOfMemoryError:
            raise UserError(
                f"{name} ran out of the memory of {machine.name}: lower train.batch_size or the model's block_size, or "
                f"set models.{args.model}.precision to bfloat16"
            ) from None
        shutil.rmtree(folder)


def train(
    params: Params,
    run: dict[str, Any],
    name: str,
    tokens: TokenFolder,
    stamp: Provenance,
    folder: Path,
    interruption: Interruption,
) -> None:
    """Train from the last save in `folder` to the end, and write what came of it."""
    entry, settings = params.models[run["model"]], params.protocol(run["model"])
    config = entry.config(tokens.vocab_size)
    train_blocks = tokens.blocks("train", config.block_size)
    validation_blocks = tokens.blocks("validation", config.block_size)
    model = seeded_model(config, run["seed"], torch.device(stamp.device_type))
    # Weights and two moments in each save, one of which is being written; the weights of the run, and DVC's copy.
    require_space(folder, 4 * model.n_parameters() * (3 * (KEPT + 1) + 2))
    if entry.compile:
        compile_blocks(model)
    state = RunState(model, len(train_blocks), settings)
    made_by = restore(folder, state)
    if made_by:
        print(f"{name}: going on after step {state.steps}")
    made_by = [earlier for earlier in made_by if earlier != stamp] + [stamp]
    progress = Progress(name, settings.epochs * state.steps_per_epoch, state.steps)
    saved = time.monotonic()

    def save_now() -> None:
        nonlocal saved
        state.check_finite()
        save(folder, state, made_by)
        saved = time.monotonic()
        interruption.unsaved = False

    def after_step(step: Step) -> None:
        interruption.unsaved = True
        progress.step(step)
        before_validation = state.steps_in_epoch == state.steps_per_epoch
        if before_validation or interruption.number is not None or time.monotonic() - saved > SAVE_EVERY:
            save_now()
        if interruption.number is not None:
            interruption.stop()

    for epoch in train_epochs(
        state, train_blocks, validation_blocks, settings, run["seed"], entry.precision, after_step
    ):
        save_now()
        progress.epoch(epoch)
    progress.close()
    write_run(params, run, state, len(train_blocks) * config.block_size, made_by)


def write_run(params: Params, run: dict[str, Any], state: RunState, tokens: int, made_by: list[Provenance]) -> None:
    """Weights, clock, and the curve last: with it the run is complete. `tokens` is what an epoch predicts."""
    *earlier, stamp = made_by
    fields = run | {"weights": save_weights(state.model, paths.weights(**run)), "provenance": stamp}
    write_result(paths.clock(**run), Clock(**fields, epochs=[seconds(epoch, tokens) for epoch in state.epochs]))
    curve = Curve(
        **fields,
        data=params.datasets[run["dataset"]].what(),
        entry=params.models[run["model"]].as_written(),
        train=params.train.model_dump(),
        fingerprint=fingerprint_sha256(run["model"]),
        parameters=state.model.n_parameters(),
        epochs=[losses(epoch) for epoch in state.epochs],
        earlier=earlier,
    )
    write_result(paths.curve(**run), curve)


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


def work_key(params: Params, run: dict[str, Any], stamp: Provenance) -> str:
    """Hash of everything that the run depends on: one that differs in any of it does not go on from its saves."""
    depends_on = {
        "run": run,
        "data": stamp.data,
        "entry": params.models[run["model"]].as_written(),
        "train": params.train.model_dump(),
        "fingerprint": fingerprint_sha256(run["model"]),
        "device_type": stamp.device_type,
    }
    return json_sha256(depends_on)


if __name__ == "__main__":
    exit_cleanly(main)
