"""Seconds of a device's work, without what stands between its parts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.machine.gauge import Gauge


class Stopwatch:
    """Runs from `start` to `stop`. Starts at zero, stopped."""

    def __init__(self, gauge: Gauge) -> None:
        self.gauge = gauge
        self.seconds = 0.0
        """Up to the last stop."""
        self._started: float | None = None

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> None:
        """When the device has done what it was told."""
        self.gauge.wait()
        assert self._started is not None
        self.seconds += time.perf_counter() - self._started
        self._started = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context whose time does not count."""
        runs = self._started is not None
        if runs:
            self.stop()
        yield
        if runs:
            self.start()
