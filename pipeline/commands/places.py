"""Where stages run: what the launcher asks of a place, be it this machine or a cluster."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pipeline.commands.recording import Stage

SHOWN = 15
"""Last lines of the output of a stage that failed."""


class Work(Protocol):
    """A stage that was started."""

    @property
    def log(self) -> Path:
        """The file with its output."""

    @property
    def alone(self) -> bool:
        """Whether nothing may run beside it."""

    @property
    def exit_code(self) -> int | None:
        """None until it has ended; minus the number of the signal that killed it."""

    @property
    def seconds(self) -> float:
        """How long it has run; 0 while it waits for its turn."""

    def delivered(self) -> AbstractContextManager[None]:
        """What it wrote lies in its place while the context lasts. At its good end nobody asks for the work again.

        Raises UserError where what was handed over is damaged.
        """


class Place(Protocol):
    """Starts stages, and knows how they are doing."""

    def has_room(self, stage: Stage, running: Collection[Work], alone: bool) -> bool:
        """Whether it may start beside these."""

    def start(self, stage: Stage, running: Collection[Work], alone: bool) -> Work:
        """Start it, or find it where it runs since an earlier call. It holds the hashes of what it reads."""

    def wait_for_any(self, running: Collection[Work], seconds: float) -> None:
        """Until one of them may have ended, or so long."""

    def leave(self, running: Collection[Work]) -> None:
        """The launcher is told to stop: end them, saved, or let them go on where the next launcher finds them."""


def how_it_ended(work: Work) -> str:
    """Of a stage that failed: how, where its output is, and the last lines of that."""
    code = work.exit_code or 0
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    text = work.log.read_text(encoding="utf-8", errors="replace") if work.log.exists() else ""
    lines = "\n".join(f"    {line}" for line in text.splitlines()[-SHOWN:])
    return f"{how}, its output is in {work.log.absolute()}:\n{lines}"
