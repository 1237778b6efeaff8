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

    def line(
        self,
        text: str,
        running: dict[Stage, float],
        together: list[Stage],
        alone: list[Stage],
        jobs: int,
        failed: int = 0,
    ) -> str:
        """One stage more has ended: a line for it. Those at work come with the seconds since their start."""
        self.lines += 1
        rest = [*running, *together, *alone]
        at_work = sum(seconds > 0 for seconds in running.values())
        counts = {"running": at_work, "waiting": len(rest) - at_work, "failed": failed}
        text = f"[{self.lines} of {self.lines + len(rest)}] {text}"
        text = ", ".join([text, *(f"{number} {what}" for what, number in counts.items() if number)])
        unseen = [stage for stage in rest if self._typical(stage) is None]
        if not rest or not self.seconds or (2 * len(unseen) >= len(rest) and len(rest) > self.lines):
            return text  # too little is known: most of what is left is of a kind that was not seen yet
        usual = fmean(seconds for alike in self.seconds.values() for seconds in alike)
        shared = sum(max(0.0, (self._typical(stage) or usual) - so_far) for stage, so_far in running.items())
        shared += sum(self._typical(stage) or usual for stage in together)
        left = shared / jobs + sum(self._typical(stage) or usual for stage in alone)
        return f"{text}, about {rounded(left)} left"

    def _typical(self, stage: Stage) -> float | None:
        alike = self.seconds.get(_but_the_seed(stage)) or self.seconds.get(kind(stage))
        return fmean(alike) if alike else None


def _but_the_seed(stage: Stage) -> str:
    return re.sub(r" --seed \d+", "", stage.cmd)


def rounded(seconds: float) -> str:
    """As much of it as is worth saying."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
