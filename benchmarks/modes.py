"""What a faster way to compute changes: the loss of small trainings, by seed, against float32 as published."""

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

from benchmarks.stages import one_model, run, scratch_copy
from pipeline.base import paths

SEEDS = range(5)
MODES = {"bfloat16": {"precision": "bfloat16"}, "compiled": {"compile": True}}
SMALL = {"block_size": 128, "d_model": 64, "n_layer": 2}
STORIES = {"rows": {"train": 800, "validation": 80, "test": 80}, "vocab_size": 800, "block_size": SMALL["block_size"]}
TRAIN = {"epochs": 4, "batch_size": 4, "learning_rate": 0.005, "warmup_steps": 20}


def loss_changes() -> dict[str, list[float]]:
    """Validation loss in each mode, less that in float32, in nats, by seed, from the same dropout masks."""
    published = losses({})
    return {
        mode: [ours - theirs for ours, theirs in zip(losses(changes), published, strict=True)]
        for mode, changes in MODES.items()
    }


def losses(changes: dict[str, Any]) -> list[float]:
    """Validation losses of a small GAM after its last epoch, by seed."""
    last = []
    with scratch_copy(**settings(changes)) as house:
        for stage in ("fetch", "tokenise"):
            run(house, f"pipeline.{stage}", "--dataset", "stories")
        for seed in SEEDS:
            run(house, "pipeline.train", "--dataset", "stories", "--model", "gam", "--seed", str(seed))
            with chdir(house):
                curve = json.loads(Path(paths.curve("stories", "gam", seed)).read_text(encoding="utf-8"))
            last.append(curve["epochs"][-1]["validation_loss"])
    return last


def settings(changes: dict[str, Any]) -> dict[str, Any]:
    """What differs from params.yaml."""
    return one_model(SEEDS, SMALL | {"n_slot": 64} | changes, STORIES, TRAIN)
