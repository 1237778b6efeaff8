"""How far a launch is: which stage of how many, and about how long the rest takes, by what was measured so far."""

import re
import shlex
from collections import defaultdict
from statistics import fmean

from pipeline.commands.recording import Stage


def kind(stage: Stage) -> str:
    """What the stage does: all trainings do the same."""
    return shlex.split(stage.cmd)[2].removeprefix("pipeline.")


def label(stage: Stage) -> str:
    """What it does with what, as in `train stories gam seed 1`."""
    text: str = stage.cmd.removeprefix("python -m ").removeprefix("pipeline.")
    return text.replace("--seed", "seed").replace("--dataset ", "").replace("--model ", "")


class Progress:
    """Counts stages and their seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.lines = 0

    def ended(self, stage: Stage, seconds: float) -> None:
        """A stage took so long."""
        for alike in (_but_the_seed(stage), kind(stage)):
            self.seconds[alike].append(seconds)

    def line(self, text: str, running: dict[Stage, float], together: list[Stage], alone: list[Stage], jobs: int) -> str:
        """One stage more has ended: a line for it."""
        self.lines += 1
        total = self.lines + len(running) + len(together) + len(alone)
        left = self._left(running, together, alone, jobs)
        return f"[{self.lines} of {total}] {text}" + (f", about {_rounded(left)} left" if left else "")

    def _left(self, running: dict[Stage, float], together: list[Stage], alone: list[Stage], jobs: int) -> float | None:
        """Seconds; None where most of what is left is of a kind that was not seen yet."""
        rest = {stage: self._typical(stage) for stage in (*running, *together, *alone)}
        seen = [seconds for seconds in rest.values() if seconds is not None]
        if 2 * len(seen) <= len(rest):
            return None
        unseen = fmean(seen)
        left = {stage: unseen if seconds is None else seconds for stage, seconds in rest.items()}
        shared = sum(max(0.0, left[stage] - so_far) for stage, so_far in running.items())
        shared += sum(left[stage] for stage in together)
        return shared / jobs + sum(left[stage] for stage in alone)

    def _typical(self, stage: Stage) -> float | None:
        alike = self.seconds.get(_but_the_seed(stage)) or self.seconds.get(kind(stage))
        return fmean(alike) if alike else None


def _but_the_seed(stage: Stage) -> str:
    return re.sub(r" --seed \d+", "", stage.cmd)


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
