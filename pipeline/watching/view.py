"""Where trainings are shown: on a terminal in a table that is drawn anew, elsewhere in plain lines."""

import math
import shutil
import sys
import time

from tabulate import tabulate
from tqdm import tqdm

from pipeline.watching.trainings import Training

HEADERS = ("training", "epoch", "step", "loss", "tokens/s", "left")
ALIGNED = ("left", "right", "right", "right", "right", "right")
SECONDS_BETWEEN = 15.0
"""Time between two plain lines of a training."""


class Table:
    """Stands last on the terminal; what is said goes above it."""

    def __init__(self) -> None:
        self.height = 0

    def show(self, trainings: list[Training]) -> None:
        rows = [cells(training) for training in trainings]
        table = tabulate(rows, HEADERS, disable_numparse=True, colalign=ALIGNED) if rows else ""
        width = shutil.get_terminal_size().columns - 1
        lines = [line[:width] for line in table.splitlines()]
        self._replace(lines)
        self.height = len(lines)

    def say(self, line: str) -> None:
        self._replace([line])
        self.height = 0

    def _replace(self, lines: list[str]) -> None:
        """Write lines over the table, in one go, so that nothing flickers."""
        back = f"\x1b[{self.height}F\x1b[J" if self.height else ""
        sys.stdout.write(back + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


class Lines:
    """One line of a training now and then, where it has come further."""

    def __init__(self) -> None:
        self.shown: dict[str, tuple[float, str]] = {}

    def show(self, trainings: list[Training]) -> None:
        now = time.monotonic()
        for training in trainings:
            is_known = training.progress is not None and bool(training.progress.points)
            # One that is just beginning or ending will have more to tell.
            at, before = self.shown.setdefault(training.key, (-math.inf if is_known else now, ""))
            line = in_words(training)
            if line != before and now - at >= SECONDS_BETWEEN:
                self.shown[training.key] = now, line
                self.say(line)

    def say(self, line: str) -> None:
        print(line, flush=True)


def make_view() -> Table | Lines:
    return Table() if sys.stdout.isatty() else Lines()


def cells(training: Training) -> list[str]:
    """What is known of a training, under HEADERS."""
    progress = training.progress
    if progress is None:
        return [training.name, *["–"] * (len(HEADERS) - 1)]
    last = progress.points[-1] if progress.points else None
    return [
        training.name,
        str(len(progress.epochs) + (progress.step < progress.total_steps)),
        f"{progress.step}/{progress.total_steps}",
        "–" if last is None else "not finite" if last.loss is None else f"{last.loss:.4f}",
        f"{last.tokens_per_second:,.0f}" if last else "–",
        "–" if progress.seconds_left is None else tqdm.format_interval(progress.seconds_left),
    ]


def in_words(training: Training) -> str:
    """The same in a line."""
    name, epoch, step, loss, speed, left = cells(training)
    if training.progress is None or not training.progress.points:
        return f"{name}: runs, no step is known"
    return f"{name}: epoch {epoch}, step {step}, loss {loss}, {speed} tokens/s, {left} left"
