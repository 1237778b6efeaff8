"""The process's device, threads, determinism and allocator: set once, when a stage that computes starts."""

import ctypes
import os
import platform
from dataclasses import dataclass

import torch

from pipeline.errors import UserError
from pipeline.params import Runtime

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h


@dataclass(frozen=True)
class Machine:
    """What a stage computes on."""

    device: torch.device
    """A CPU, or a CUDA device."""
    threads: int
    deterministic: bool
    allocator: str

    @property
    def name(self) -> str:
        """The device as its maker names it."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else cpu_name()


def start(runtime: Runtime) -> Machine:
    """Set up this process. Call before the first tensor. Raises UserError for `device: cuda` without CUDA."""
    cuda = torch.cuda.is_available()
    if runtime.device == "cuda" and not cuda:
        raise UserError(
            "runtime.device is cuda, but torch sees no CUDA device: install a driver, or set it to auto or cpu"
        )
    device = torch.device("cuda" if cuda and runtime.device != "cpu" else "cpu")
    allocator = _keep_freed_memory() if device.type == "cpu" else "torch's caching allocator"
    torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic with a fixed workspace alone
    # The same switch as use_deterministic_algorithms, which loads torch's compiler, a second of every stage.
    torch.set_deterministic_debug_mode("error" if runtime.deterministic else "default")
    return Machine(device, runtime.threads, runtime.deterministic, allocator)


def _keep_freed_memory() -> str:
    """Have glibc keep large tensors' memory: by default it returns each to the kernel and pages it in again."""
    if platform.libc_ver()[0] != "glibc":
        return "system default"
    mallopt = ctypes.CDLL(None).mallopt
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**29}
    kept = [mallopt(option, value) for option, value in settings.items()]
    return "glibc, freed memory kept" if all(kept) else "system default"


def cpu_name() -> str:
    """The processor's model name, as far as the platform tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
