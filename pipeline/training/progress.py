"""How far a training run is: a bar on a terminal, a plain line now and then elsewhere, and a file for who watches."""

import json
import math
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.base import paths
from pipeline.base.files import TEMPORARY
from pipeline.training.protocol import Epoch, Step

SECONDS_BETWEEN = {True: 0.5, False: 15.0}
"""Time between two readings of the loss, which waits for the device: on a terminal, elsewhere."""
WRITE_EVERY = 5.0
"""Seconds between two points in the file."""
KEPT = 1000
"""Points in the file: those of the last hour or so, so that writing it takes no longer in a long run."""


class Progress:
    """Shows loss, tokens per second and time left of one run on stderr, and writes them beside its saves."""

    def __init__(self, run: str, total_steps: int, done: int, folder: Path) -> None:
        self.run, self.total_steps = run, total_steps
        terminal = sys.stderr.isatty()
        self.every = SECONDS_BETWEEN[terminal]
        self.bar = tqdm(total=total_steps, initial=done, desc=run, unit="step", disable=not terminal)
        self.steps, self.first, self.tokens = done, done, 0
        self.started = self.shown = self.written = time.monotonic()
        self.file = folder / paths.PROGRESS
        self.epochs, self.points = _before(self.file, done)
        self.losses: list[Tensor] = []
        """Of the steps since the last point, not yet waited for."""
        self._write()

    def step(self, step: Step) -> None:
        self.steps += 1
        self.tokens += step.tokens
        self.losses.append(step.loss)
        self.learning_rate = step.learning_rate
        now = time.monotonic()
        if now - self.written >= WRITE_EVERY:
            self._write()
        if now - self.shown < self.every:
            return
        self.shown = now
        tokens_per_second, left = self._pace()
        speed = f"{tokens_per_second:,.0f} tokens/s"
        if self.bar.disable:
            self._line(f"step {self.steps}/{self.total_steps}, loss {step.loss.item():.4f}, {speed}, {left:.0f} s left")
        else:
            self.bar.set_postfix_str(f"loss {step.loss.item():.4f}, {speed}", refresh=False)
            self.bar.update(self.steps - self.bar.n)

    def epoch(self, epoch: Epoch) -> None:
        losses = f"train {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}"
        self._line(f"epoch {epoch.number}: {losses} ({epoch.train_seconds:.1f} s)")
        ended: dict[str, Any] = {"epoch": epoch.number, "steps": epoch.steps}
        ended |= {"train_loss": epoch.train_loss, "validation_loss": epoch.validation_loss}
        self.epochs = [*(each for each in self.epochs if each["epoch"] < epoch.number), ended]
        self._write()

    def close(self) -> None:
        self.bar.update(self.steps - self.bar.n)
        self.bar.close()

    def _pace(self) -> tuple[float, float]:
        """Tokens per second so far, and seconds left at that speed."""
        seconds = time.monotonic() - self.started
        return self.tokens / seconds, seconds / (self.steps - self.first) * (self.total_steps - self.steps)

    def _write(self) -> None:
        """A point for the steps since the last one, where there are any, and the file anew.

        Whole or not at all, but not synced: after a power cut it is worth nothing. A disk that is full or read-only
        costs this file alone; what saves the run says so.
        """
        tokens_per_second, left = self._pace() if self.steps > self.first else (None, None)
        if self.losses:
            loss = torch.stack(self.losses).double().mean().item()
            self.points.append(
                {
                    "step": self.steps,
                    "loss": loss if math.isfinite(loss) else None,
                    "learning_rate": self.learning_rate,
                    "tokens_per_second": tokens_per_second,
                }
            )
            del self.points[:-KEPT]
            self.losses.clear()
        notes = {
            "run": self.run,
            "total_steps": self.total_steps,
            "seconds_left": left,
            "epochs": self.epochs,
            "points": self.points,
        }
        with suppress(OSError):
            temporary = self.file.with_name(f".{self.file.name}{TEMPORARY}")
            self.file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(notes), encoding="ascii")
            temporary.replace(self.file)
        self.written = time.monotonic()

    def _line(self, text: str) -> None:
        self.bar.write(f"{self.run}: {text}", file=sys.stderr)


def _before(file: Path, done: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Epochs and points that the file has up to a step: what came after it was lost with the process that made it."""
    try:
        notes = json.loads(file.read_bytes())
        epochs = [epoch for epoch in notes["epochs"] if epoch["steps"] <= done]
        return epochs, [point for point in notes["points"] if point["step"] <= done]
    except (OSError, ValueError, KeyError, TypeError):
        return [], []
