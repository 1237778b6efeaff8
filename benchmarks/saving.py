"""`python -m benchmarks.saving`: what the saves of a training run cost, at the paper's size.

One training step makes the optimiser's state; then the same state is saved again and again, as every SAVE_EVERY
seconds of a run, and twice at the end of an epoch.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from pipeline.artifacts.provenance import provenance
from pipeline.base import paths
from pipeline.machine.setup import start
from pipeline.params.schema import load_params
from pipeline.training.protocol import RunState, seeded_model, train_epochs
from pipeline.training.running import SAVE_EVERY
from pipeline.training.saves import save

SAVES = 12


class OneStepError(Exception):
    """Ends the training after its first step."""


def main() -> None:
    params = load_params()
    machine = start(params.runtime)
    entry, settings = params.models["gam"], params.train
    vocab_size = params.datasets["wikitext-2"].vocab_size
    config = entry.config(vocab_size)
    model = seeded_model(config, 0, machine.device)
    blocks = np.random.default_rng(0).integers(0, vocab_size, (settings.batch_size, config.block_size + 1))
    state = RunState(model, len(blocks), settings)

    def stop(_step: object) -> None:
        raise OneStepError

    try:
        for _ in train_epochs(state, blocks, blocks, settings, 0, entry.precision, stop):
            pass
    except OneStepError:
        pass
    stamp = provenance(machine, entry.precision)
    seconds = []
    paths.WORK.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=paths.WORK) as name:
        for _ in range(SAVES):
            started = time.perf_counter()
            save(Path(name), state, [stamp])
            state.steps_in_epoch += 1
            seconds.append(time.perf_counter() - started)
        size = next(Path(name).iterdir()).stat().st_size
    print(f"{machine.name}, {machine.threads} threads, torch {torch.__version__}")
    middle = median(seconds)
    print(
        f"a save of {size / 2**20:.0f} MiB: median {middle:.2f} s ({min(seconds):.2f} to {max(seconds):.2f} s), "
        f"{middle / (SAVE_EVERY + middle):.1%} of a run that saves every {SAVE_EVERY:.0f} s"
    )


if __name__ == "__main__":
    main()
