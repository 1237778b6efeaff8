"""The clock and the memory of a device. Tests put a made-up device in its place."""

import resource
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

import psutil
import torch
from torch.profiler import ProfilerActivity, profile

from pipeline.machine import gpu

SHARE = 0.95
"""Of a CPU's free memory, what a process may have; the rest is left to the system."""
HEAD_START = 40_000_000
"""Clock cycles, some 20 ms, that a GPU is kept busy while work is queued behind them."""

Work = Callable[[], object]


class Gauge(Protocol):
    """What is asked of a device."""

    kind: Literal["cpu", "cuda"]

    def wait(self) -> None:
        """Until the device has done all that it was told."""

    def milliseconds(self, work: Work, *, queued: bool = False) -> float:
        """Time of `work` on the device. `queued`: all of it was told before the device began, so that a fast one does
        not wait for the processor that tells it."""

    def peak_bytes(self, work: Work, held: int) -> int:
        """Most that tensors hold at once during `work`, which begins with `held` bytes of tensors.

        A sum of sizes: the same in every run.
        """

    def limit(self, gib: float) -> None:
        """Let this process allocate `gib` more, and no more."""

    def available_gib(self) -> float:
        """What a process can have: all of a GPU; of a CPU's memory what is free, but for a little."""

    def busy_share(self, seconds: float) -> float | None:
        """Share of the device that others keep busy while this process sleeps; None where nothing tells."""


class CpuGauge:
    """The processor's time by the wall clock, its memory by what torch allocates."""

    kind: Literal["cpu", "cuda"] = "cpu"

    def wait(self) -> None:
        pass  # a CPU computes while it is told

    def milliseconds(self, work: Work, *, queued: bool = False) -> float:  # noqa: ARG002  # a CPU tells itself
        started = time.perf_counter()
        work()
        return 1000 * (time.perf_counter() - started)

    def peak_bytes(self, work: Work, held: int) -> int:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            work()
        made = most = 0
        events: Any = profiled.profiler
        for event in events.kineto_results.events():
            if event.name() == "[memory]":
                made += event.nbytes()
                most = max(most, made)
        return held + most

    def limit(self, gib: float) -> None:
        with open("/proc/self/statm", encoding="ascii") as statm:
            data_pages = int(statm.read().split()[5])
        limit = data_pages * resource.getpagesize() + int(gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))

    def available_gib(self) -> float:
        return SHARE * psutil.virtual_memory().available / 2**30

    def busy_share(self, seconds: float) -> float | None:
        try:
            return psutil.cpu_percent(interval=seconds) / 100
        except (OSError, psutil.Error):
            return None


class CudaGauge:
    """A GPU's time between its own events, its memory by its allocator's count."""

    kind: Literal["cpu", "cuda"] = "cuda"

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wait(self) -> None:
        torch.cuda.synchronize(self.device)

    def milliseconds(self, work: Work, *, queued: bool = False) -> float:
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        if queued:
            torch.cuda._sleep(HEAD_START)
        begun.record()
        work()
        ended.record()
        self.wait()
        return begun.elapsed_time(ended)

    def peak_bytes(self, work: Work, held: int) -> int:  # noqa: ARG002  # which the allocator counts too
        torch.cuda.reset_peak_memory_stats(self.device)
        work()
        return torch.cuda.max_memory_allocated(self.device)

    def limit(self, gib: float) -> None:
        total = torch.cuda.get_device_properties(self.device).total_memory
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, gib * 2**30 / total)
        )  # of the GPU in use: it takes no bare `cuda`

    def available_gib(self) -> float:
        return torch.cuda.get_device_properties(self.device).total_memory / 2**30

    def busy_share(self, seconds: float) -> float | None:
        time.sleep(seconds)
        return gpu.busy_share(self.device)


def gauge_of(device: torch.device) -> Gauge:
    return CudaGauge(device) if device.type == "cuda" else CpuGauge()
