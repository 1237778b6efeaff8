"""One point of the scaling measurement, made in the process that calls `measure`."""

import resource
import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gam.blocks import build_block
from gam.config import ModelConfig
from pipeline.artifacts.records import ALL_MEMORY, ScalingPoint
from pipeline.machine.setup import start
from pipeline.params.schema import Cap, Runtime, ScalingOn

FEW_TOKENS = 16


@dataclass(frozen=True)
class Job:
    """What one process measures."""

    runtime: Runtime
    config: ModelConfig
    on: ScalingOn
    length: int
    warmup: int
    repetitions: int
    cap: Cap | None
    """None for all of the device's memory."""

    def point(self, status: Literal["ok", "oom"], milliseconds: list[float], peak_mib: float | None) -> ScalingPoint:
        """What was measured."""
        memory = self.cap.name if self.cap else ALL_MEMORY
        return ScalingPoint(
            length=self.length, memory=memory, status=status, milliseconds=milliseconds, peak_mib=peak_mib
        )

    def out_of_memory(self) -> ScalingPoint:
        """The point where it did not fit."""
        return self.point("oom", [], None)


def measure(job: Job) -> ScalingPoint:
    """Time and peak memory of one block, forward and backward, as the paper measures them (its Table 2).

    Train mode, loss = sum of the output, an input that needs no gradient; under float16 autocast with a gradient
    scaler where the job says so. Times are those between device events, or the wall clock on a CPU.
    """
    device = start(job.runtime).device
    if job.cap:
        _cap_memory(job.cap.gib, device)
    try:
        milliseconds, peak_mib = _iterate(job, device)
    except (torch.OutOfMemoryError, MemoryError):
        return job.out_of_memory()
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # how torch's CPU allocator says it
            raise
        return job.out_of_memory()
    return job.point("ok", milliseconds, peak_mib)


def _iterate(job: Job, device: torch.device) -> tuple[list[float], float]:
    """Milliseconds of the counted passes, and the peak memory in MiB."""
    torch.manual_seed(0)
    dtype = torch.float16 if job.on.precision == "float16" else torch.float32
    block = build_block(job.config).to(device).train()
    x = torch.randn(job.on.batch_size, job.length, job.config.d_model, device=device, dtype=dtype)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    if x.is_cuda:
        times = [_time(block, x, scaler) for _ in range(job.warmup + job.repetitions)]
        return times[job.warmup :], torch.cuda.max_memory_allocated() / 2**20
    # What a first pass loads and allocates once is not the block's memory; weights and gradients are.
    _time(block, x[:1, :FEW_TOKENS], scaler)
    before = _resident_mib()
    times = [_time(block, x, scaler) for _ in range(job.warmup + job.repetitions)]
    weights = sum(parameter.numel() * parameter.element_size() for parameter in block.parameters())
    return times[job.warmup :], _resident_mib() - before + 2 * weights / 2**20


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


def _cap_memory(gib: float, device: torch.device) -> None:
    """Let this process allocate `gib` more and no more: torch's allocator on CUDA, the kernel on a CPU."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, gib * 2**30 / total))
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        data_pages = int(statm.read().split()[5])
    limit = data_pages * resource.getpagesize() + int(gib * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _resident_mib() -> float:
    """Most memory that this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
