"""How long a computation takes, and how much memory it holds."""

import time
from collections.abc import Callable, Mapping
from statistics import median, quantiles

import torch
from torch.profiler import ProfilerActivity, profile

Compute = Callable[[], object]


def seconds_of(compute: Compute) -> float:
    """Wall clock of one call, waiting for the device."""
    started = time.perf_counter()
    compute()
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # also where the CPU is measured: then nothing is waited for
    return time.perf_counter() - started


def in_turn(computes: Mapping[str, Compute], rounds: int) -> dict[str, list[float]]:
    """Seconds of each, one call after the other in every round, after two rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in computes}
    for _ in range(2 + rounds):
        for name, compute in computes.items():
            times[name].append(seconds_of(compute))
    return {name: seconds[2:] for name, seconds in times.items()}


def ratio(numerator: list[float], denominator: list[float]) -> tuple[float, float, float]:
    """Of what was measured in the same round: median, lower and upper quartile."""
    ratios = [n / d for n, d in zip(numerator, denominator, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return median(ratios), low, high


def peak_mib(compute: Compute) -> float:
    """Most memory that tensors made during a second call hold at once, in MiB; what was there before is not in it."""
    compute()
    if torch.cuda.is_available():
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        compute()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        compute()
    held = peak = 0
    assert profiled.profiler is not None
    for event in profiled.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak / 2**20
