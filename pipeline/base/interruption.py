"""Ctrl-C and SIGTERM: at once where nothing would be lost, else when what was done is saved."""

import signal
import sys
from types import FrameType


class Interruption:
    """Handles both signals from here on. `unsaved` says whether there is something to lose."""

    def __init__(self, silent: bool = False) -> None:
        self.silent = silent
        self.unsaved = False
        self.number: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if not self.unsaved:
            self.stop()

    def stop(self) -> None:
        """End the process, with the exit code that shells give to the signal."""
        assert self.number is not None
        name = signal.Signals(self.number).name
        if not self.silent:
            print(f"stopped by {name}, everything is saved: the same command goes on from here", file=sys.stderr)
        sys.exit(128 + self.number)
