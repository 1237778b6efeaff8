"""Trainings as their processes would have left them: the number of the process, and how far it is."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.base import paths
from pipeline.watching.trackers import Tracker

HASH = "5e6987fe" + "0" * 56


def write_training(
    *steps: int,
    model: str = "gam",
    pid: int | None = None,
    place: Path = Path(),
    epochs: Sequence[int] = (),
    losses: Sequence[float | None] | None = None,
    depends_on: str = HASH,
) -> Path:
    """One with a point at each of these steps of 100, and epochs that ended at others; its loss falls from 5.

    Its process is this one, unless another is named. Returns the folder of its saves.
    """
    lock = place / paths.lock("stories", model, 0)
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.with_suffix(".pid").write_text(f"{pid or os.getpid()}\n")
    saves = place / paths.work("stories", model, 0) / depends_on
    saves.mkdir(parents=True, exist_ok=True)
    losses = losses if losses is not None else [5 - step / 100 for step in steps]
    points: list[dict[str, Any]] = [
        {"step": step, "loss": loss, "learning_rate": 0.001, "tokens_per_second": 1234.5}
        for step, loss in zip(steps, losses, strict=True)
    ]
    ended = [
        {"epoch": number, "steps": step, "train_loss": 4.5, "validation_loss": 4.25}
        for number, step in enumerate(epochs, 1)
    ]
    notes = {
        "run": f"stories {model} seed 0",
        "total_steps": 100,
        "seconds_left": 75.0 if points else None,
        "epochs": ended,
        "points": points,
    }
    (saves / paths.PROGRESS).write_text(json.dumps(notes))
    return saves


def notebook() -> tuple[type[Tracker], list[tuple[Any, ...]]]:
    """A tracker, and all that it is told, in that order."""
    heard: list[tuple[Any, ...]] = []

    class Notebook:
        look = "look into {folder}"

        def __init__(self, key: str, _folder: Path) -> None:
            self.key = key
            heard.append((key, "begin"))

        def log(self, step: int, values: Any) -> None:
            heard.append((self.key, step, dict(values)))

        def end(self) -> None:
            heard.append((self.key, "end"))

    return Notebook, heard


def steps_of(heard: list[tuple[Any, ...]], key: str) -> list[int]:
    """Those that were told of a training."""
    return [each[1] for each in heard if each[0] == key and len(each) == 3]
