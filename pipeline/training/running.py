"""One training from its last save to its end: what the stages `train` and `tune` share."""

import time
from pathlib import Path

import numpy as np
import torch

from gam import ModelConfig
from pipeline.artifacts.records import Provenance
from pipeline.base.files import require_space
from pipeline.base.interruption import Interruption
from pipeline.machine.processes import ALONE, Processes
from pipeline.params.models import ModelEntry
from pipeline.params.protocols import Train
from pipeline.training.progress import Progress
from pipeline.training.protocol import RunState, Step, compile_blocks, seeded_model, train_epochs
from pipeline.training.saves import KEPT, restore, save

SAVE_EVERY = 50.0
"""Seconds between two saves, so that a kill costs less than a minute."""


def run_to_end(
    name: str,
    entry: ModelEntry,
    config: ModelConfig,
    settings: Train,
    seed: int,
    blocks: tuple[np.ndarray, np.ndarray],
    stamp: Provenance,
    folder: Path,
    interruption: Interruption,
    processes: Processes = ALONE,
) -> tuple[RunState, list[Provenance]]:
    """Train on the first of `blocks`, each (N, block_size + 1) token ids, and validate on the second.

    Goes on from the last save in `folder`, which is this training's alone, and leaves the end there as a save. Returns
    the end, and what made it. All `processes` call it, and the first one saves.

    Raises NotFiniteError in or after an epoch with a loss that is not finite.
    """
    train_blocks, validation_blocks = blocks
    model = seeded_model(config, seed, torch.device(stamp.device_type))
    # Weights and two moments in each save, one of which is being written; the weights of the run, and DVC's copy.
    require_space(folder, 4 * model.n_parameters() * (3 * (KEPT + 1) + 2))
    if entry.compile:
        compile_blocks(model)
    state = RunState(model, len(train_blocks), settings)
    made_by = restore(folder, state, processes)
    if made_by and processes.is_first:
        print(f"{name}: going on after step {state.steps}")
    made_by = [earlier for earlier in made_by if earlier != stamp] + [stamp]
    total_steps = settings.epochs * state.steps_per_epoch
    progress = Progress(name, total_steps, state.steps, folder) if processes.is_first else None
    saved = time.monotonic()

    def save_now() -> None:
        nonlocal saved
        with state.watch.paused():
            state.check_finite()
            if processes.is_first:
                save(folder, state, made_by)
        saved = time.monotonic()
        interruption.unsaved = False
        if interruption.number is not None:
            interruption.stop()

    def after_step(step: Step) -> None:
        interruption.unsaved = True
        if progress:
            progress.step(step)
        told = processes.largest(interruption.number or 0)  # A signal may reach one of them alone, or in another step.
        if told:
            interruption.number = told
        before_validation = state.steps_in_epoch == state.steps_per_epoch
        is_time = processes.is_first and time.monotonic() - saved > SAVE_EVERY
        if before_validation or told or is_time:
            save_now()

    for epoch in train_epochs(
        state, train_blocks, validation_blocks, settings, seed, entry.precision, after_step, processes
    ):
        save_now()
        if progress:
            progress.epoch(epoch)
    if progress:
        progress.close()
    return state, made_by
