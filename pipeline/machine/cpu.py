"""A CPU: its name, its instructions, and how the C library keeps the memory that tensors leave."""

import ctypes
import platform
import sys
import time

import torch

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4  # malloc.h
NEVER = -1

INSTRUCTIONS = {"avx2": "AVX2", "avx512f": "AVX512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}
"""Names of what torch multiplies with, by the name of Linux: kinds of processors differ in them."""
TRIED = 256
"""Rows and columns of the matrices by which bfloat16 is tried."""


def instructions() -> str | None:
    """Those of INSTRUCTIONS that the processor has; None where the platform does not tell, or there are none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            flags = next(line for line in lines if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return None
    return " ".join(told for flag, told in INSTRUCTIONS.items() if flag in flags) or None


def name() -> str:
    """The processor's model name, as far as the platform tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def warn_of_slow_bfloat16(has: str | None) -> None:
    """Say on stderr by which factor bfloat16 is slower here than float32, where the processor has no units for it."""
    if has is None or "BF16" in has:
        return
    factor = _seconds_of_product(torch.bfloat16) / _seconds_of_product(torch.float32)
    print(
        f"warning: this CPU has no bfloat16 units ({has}): a product takes {factor:.0f} times as long as in "
        "float32; set the model's precision to float32",
        file=sys.stderr,
    )


def _seconds_of_product(dtype: torch.dtype) -> float:
    """The fastest of three."""
    factor = torch.ones(TRIED, TRIED, dtype=dtype)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        factor @ factor
        times.append(time.perf_counter() - started)
    return min(times)


def choose_vector_code() -> None:
    """Have MKL choose its vector functions' code for this CPU now, on one thread.

    It does so at their first call in a process. Where two threads made that call together, one of them computed its
    part by less accurate code: half of the first exponentials were wrong by up to 1e-4, and the run was not to the byte
    what it would have been. Seen in 80 of 2,802 processes on a busy machine, and in none of 2,066 with this call.
    """
    torch.zeros(1).exp()


def keep_freed_memory() -> str:
    """Have glibc keep large tensors' memory: by default it returns each to the kernel and pages it in again."""
    kept = _tell_malloc({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: NEVER, M_TOP_PAD: 2**29})
    return "glibc, freed memory kept" if kept else "system default"


def return_freed_memory() -> None:
    """Have glibc give large tensors' memory back at once, whatever `keep_freed_memory` told it.

    Then the process holds what its tensors hold and no more: kept memory is in pieces, of which not every one can be
    used again, and a block of T x T weights took two and a half times as much.
    """
    _tell_malloc({M_MMAP_MAX: 2**16, M_MMAP_THRESHOLD: 2**20, M_TRIM_THRESHOLD: 2**20, M_TOP_PAD: 0})


def _tell_malloc(settings: dict[int, int]) -> bool:
    """Whether the C library took all of these options."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    taken = [mallopt(option, value) for option, value in settings.items()]
    return all(taken)
