"""Time and memory of one block, forward and backward, measured in the process that calls these functions.

As in the paper's Table 2: train mode, loss = sum of the output, an input that needs no gradient; under float16 autocast
with a gradient scaler where the job says so.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gam.blocks import build_block
from gam.config import ModelConfig
from pipeline.machine.cpu import return_freed_memory
from pipeline.machine.failures import is_out_of_memory
from pipeline.machine.setup import Machine, start
from pipeline.params.schema import Runtime, ScalingOn

FEW_TOKENS = 16


@dataclass(frozen=True)
class Times:
    """Milliseconds of one block at one length, by round."""

    published: list[float]
    """As the paper timed it."""
    queued: list[float]
    """With all work told before the GPU begins: short blocks run faster than they can be told. Empty on a CPU."""
    finite: list[float]
    """Queued, with a loss scale that keeps the gradients finite. With the published one they overflow in float16 and
    become infinite, and a card that is limited by power computes those faster. Empty where nothing is scaled."""


@dataclass(frozen=True)
class Job:
    """A block, and what it is measured with."""

    runtime: Runtime
    config: ModelConfig
    on: ScalingOn
    limit_gib: float | None
    """What the process may allocate; None for all that a GPU has."""


def time_in_turn(job: Job, lengths: list[int], warmup: int) -> dict[int, Times]:
    """Times by length: between events of the device, or by the wall clock on a CPU.

    A round is one pass at each length, so that a slow minute falls on all of them. Freed memory is kept, as in
    training. Where a pass runs out of it, its length alone is returned, without times: call again, without that length.
    """
    machine = _begin(job)
    block, scaler = _block(job, machine.device)
    is_scaled = scaler.is_enabled()
    inputs: dict[int, Tensor] = {}
    times = {length: Times([], [], []) for length in lengths}
    for _ in range(warmup + job.on.repetitions):
        for length in lengths:
            try:
                with _one_error():
                    if length not in inputs:
                        inputs[length] = _input(job, machine.device, job.on.batch_size, length)
                    taken = times[length]
                    taken.published.append(_time(machine, block, inputs[length], scaler))
                    if machine.gauge.kind == "cuda":
                        taken.queued.append(_time(machine, block, inputs[length], scaler, queued=True))
                    if is_scaled:
                        small = _finite_scaler(machine.device, job.on.batch_size * length)
                        taken.finite.append(_time(machine, block, inputs[length], small, queued=True))
            except MemoryError:
                return {length: Times([], [], [])}
    return {
        length: Times(each.published[warmup:], each.queued[warmup:], each.finite[warmup:])
        for length, each in times.items()
    }


def peak_memory(job: Job, length: int) -> float | None:
    """Most MiB that tensors hold at once in a pass, the weights, the input and gradients included; None: out of memory.

    By the allocator's count on CUDA, by the profiler's on a CPU. Both are sums of sizes: the same in every run.
    """
    machine = _begin(job)
    return_freed_memory()
    block, scaler = _block(job, machine.device)
    try:
        with _one_error():
            x = _input(job, machine.device, job.on.memory_batch_size, length)
            held = sum(tensor.nbytes for tensor in (*block.parameters(), x))
            return machine.gauge.peak_bytes(lambda: _pass(block, x, scaler), held) / 2**20
    except MemoryError:
        return None


def fits(job: Job, length: int) -> bool:
    """Whether a pass comes to its end."""
    machine = _begin(job)
    return_freed_memory()
    block, scaler = _block(job, machine.device)
    try:
        with _one_error():
            _pass(block, _input(job, machine.device, job.on.memory_batch_size, length), scaler)
            machine.gauge.wait()
    except MemoryError:
        return False
    return True


def _begin(job: Job) -> Machine:
    machine = start(job.runtime)
    torch.manual_seed(0)
    if job.limit_gib is not None:
        machine.gauge.limit(job.limit_gib)
    return machine


def _block(job: Job, device: torch.device) -> tuple[nn.Module, torch.amp.GradScaler]:
    """The block, after a pass over a few tokens: what that loads and allocates once is not the block's memory."""
    block = build_block(job.config).to(device).train()
    scaler = torch.amp.GradScaler(device.type, enabled=job.on.precision == "float16")
    _pass(block, _input(job, device, 1, FEW_TOKENS), scaler)
    block.zero_grad()
    return block, scaler


def _finite_scaler(device: torch.device, tokens: int) -> torch.amp.GradScaler:
    """One over the root of the number of tokens: what is summed over all of them stays far from float16's largest
    number, and the rest as far from its smallest."""
    return torch.amp.GradScaler(device.type, init_scale=2.0 ** -math.ceil(math.log2(tokens) / 2))


def _input(job: Job, device: torch.device, batch_size: int, length: int) -> Tensor:
    dtype = torch.float16 if job.on.precision == "float16" else torch.float32
    return torch.randn(batch_size, length, job.config.d_model, device=device, dtype=dtype)


def _time(
    machine: Machine, block: nn.Module, x: Tensor, scaler: torch.amp.GradScaler, *, queued: bool = False
) -> float:
    """Milliseconds of one forward and backward pass."""
    block.zero_grad()
    return machine.gauge.milliseconds(lambda: _pass(block, x, scaler), queued=queued)


def _pass(block: nn.Module, x: Tensor, scaler: torch.amp.GradScaler) -> None:
    with torch.autocast(x.device.type, dtype=torch.float16, enabled=x.dtype == torch.float16):
        loss = block(x).sum()
    scaler.scale(loss).backward()


@contextmanager
def _one_error() -> Iterator[None]:
    """Running out of memory is a MemoryError, whatever torch's allocators and libraries call it."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError from error
