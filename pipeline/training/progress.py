"""How far a training run is: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time

from tqdm import tqdm

from pipeline.training.protocol import Epoch, Step

SECONDS_BETWEEN = {True: 0.5, False: 15.0}
"""Time between two readings of the loss, which waits for the device: on a terminal, elsewhere."""


class Progress:
    """Shows loss, tokens per second and time left of one run on stderr."""

    def __init__(self, run: str, total_steps: int, done: int) -> None:
        self.run, self.total_steps = run, total_steps
        terminal = sys.stderr.isatty()
        self.every = SECONDS_BETWEEN[terminal]
        self.bar = tqdm(total=total_steps, initial=done, desc=run, unit="step", disable=not terminal)
        self.steps, self.first, self.tokens = done, done, 0
        self.started = self.shown = time.monotonic()

    def step(self, step: Step) -> None:
        self.steps += 1
        self.tokens += step.tokens
        now = time.monotonic()
        if now - self.shown < self.every:
            return
        self.shown = now
        seconds = now - self.started
        speed = f"{self.tokens / seconds:,.0f} tokens/s"
        if self.bar.disable:
            left = seconds / (self.steps - self.first) * (self.total_steps - self.steps)
            self._line(f"step {self.steps}/{self.total_steps}, loss {step.loss.item():.4f}, {speed}, {left:.0f} s left")
        else:
            self.bar.set_postfix_str(f"loss {step.loss.item():.4f}, {speed}", refresh=False)
            self.bar.update(self.steps - self.bar.n)

    def epoch(self, epoch: Epoch) -> None:
        losses = f"train {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}"
        self._line(f"epoch {epoch.number}: {losses} ({epoch.train_seconds:.1f} s)")

    def close(self) -> None:
        self.bar.update(self.steps - self.bar.n)
        self.bar.close()

    def _line(self, text: str) -> None:
        self.bar.write(f"{self.run}: {text}", file=sys.stderr)
