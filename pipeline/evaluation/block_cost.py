"""Time and memory of one block, forward and backward, measured in the process that calls these functions.

As in the paper's Table 2: train mode, loss = sum of the output, an input that needs no gradient; under float16 autocast
with a gradient scaler where the job says so.
"""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from gam.blocks import build_block
from gam.config import ModelConfig
from pipeline.machine.setup import return_freed_memory, start
from pipeline.params.schema import Runtime, ScalingOn

FEW_TOKENS = 16


@dataclass(frozen=True)
class Job:
    """A block, and what it is measured with."""

    runtime: Runtime
    config: ModelConfig
    on: ScalingOn
    limit_gib: float | None
    """What the process may allocate; None for all that a GPU has."""


def time_in_turn(job: Job, lengths: list[int], warmup: int) -> dict[int, list[float]]:
    """Milliseconds by length, one for each round: between device events, or by the wall clock on a CPU.

    A round is one pass at each length, so that a slow minute falls on all of them. Freed memory is kept, as in
    training. Where a pass runs out of it, its length alone is returned, without times: call again, without that length.
    """
    device = _begin(job)
    block, scaler = _block(job, device)
    inputs: dict[int, Tensor] = {}
    times: dict[int, list[float]] = {length: [] for length in lengths}
    for _ in range(warmup + job.on.repetitions):
        for length in lengths:
            try:
                with _one_error():
                    if length not in inputs:
                        inputs[length] = _input(job, device, job.on.batch_size, length)
                    times[length].append(_time(block, inputs[length], scaler))
            except MemoryError:
                return {length: []}
    return {length: each[warmup:] for length, each in times.items()}


def peak_memory(job: Job, length: int) -> float | None:
    """Most MiB that tensors hold at once in a pass, the weights, the input and gradients included; None: out of memory.

    By the allocator's count on CUDA, by the profiler's on a CPU. Both are sums of sizes: the same in every run.
    """
    device = _begin(job)
    return_freed_memory()
    block, scaler = _block(job, device)
    try:
        with _one_error():
            x = _input(job, device, job.on.memory_batch_size, length)
            if x.is_cuda:
                _pass(block, x, scaler)
                return torch.cuda.max_memory_allocated() / 2**20
            before = sum(tensor.nbytes for tensor in (*block.parameters(), x))
            with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
                _pass(block, x, scaler)
    except MemoryError:
        return None
    return (before + _most_held(profiled)) / 2**20


def fits(job: Job, length: int) -> bool:
    """Whether a pass comes to its end."""
    device = _begin(job)
    return_freed_memory()
    block, scaler = _block(job, device)
    try:
        with _one_error():
            _pass(block, _input(job, device, job.on.memory_batch_size, length), scaler)
    except MemoryError:
        return False
    return True


def _begin(job: Job) -> torch.device:
    device = start(job.runtime).device
    torch.manual_seed(0)
    if job.limit_gib is not None:
        _limit_memory(job.limit_gib, device)
    return device


def _block(job: Job, device: torch.device) -> tuple[nn.Module, torch.amp.GradScaler]:
    """The block, after a pass over a few tokens: what that loads and allocates once is not the block's memory."""
    block = build_block(job.config).to(device).train()
    scaler = torch.amp.GradScaler(device.type, enabled=job.on.precision == "float16")
    _pass(block, _input(job, device, 1, FEW_TOKENS), scaler)
    block.zero_grad()
    return block, scaler


def _input(job: Job, device: torch.device, batch_size: int, length: int) -> Tensor:
    dtype = torch.float16 if job.on.precision == "float16" else torch.float32
    return torch.randn(batch_size, length, job.config.d_model, device=device, dtype=dtype)


def _time(block: nn.Module, x: Tensor, scaler: torch.amp.GradScaler) -> float:
    """Milliseconds of one forward and backward pass."""
    block.zero_grad()
    if x.is_cuda:
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        events[0].record()
        _pass(block, x, scaler)
        events[1].record()
        torch.cuda.synchronize()
        return events[0].elapsed_time(events[1])
    started = time.perf_counter()
    _pass(block, x, scaler)
    return 1000 * (time.perf_counter() - started)


def _pass(block: nn.Module, x: Tensor, scaler: torch.amp.GradScaler) -> None:
    with torch.autocast(x.device.type, dtype=torch.float16, enabled=x.dtype == torch.float16):
        loss = block(x).sum()
    scaler.scale(loss).backward()


def _most_held(profiled: profile) -> int:
    """Bytes of all tensors that were made, and not yet freed, at the worst moment."""
    held = most = 0
    events: Any = profiled.profiler
    for event in events.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


@contextmanager
def _one_error() -> Iterator[None]:
    """Running out of memory is a MemoryError, whatever torch's allocators call it; the CPU's has no name for it."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise MemoryError from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise MemoryError from error


def _limit_memory(gib: float, device: torch.device) -> None:
    """Let this process allocate `gib` more and no more: torch's allocator on CUDA, the kernel on a CPU."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, gib * 2**30 / total))
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        data_pages = int(statm.read().split()[5])
    limit = data_pages * resource.getpagesize() + int(gib * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
