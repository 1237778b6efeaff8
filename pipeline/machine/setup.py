"""The process's device, threads, determinism and allocator: set once, when a stage that computes starts."""

import ctypes
import os
import platform
import re
import sys
import warnings
from dataclasses import dataclass
from importlib import import_module

import torch

from gam.ops.mamba_kernels import have_kernels
from pipeline import WAITING
from pipeline.base.errors import UserError
from pipeline.params.models import ModelEntry
from pipeline.params.schema import Runtime

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -2, -3, -4  # malloc.h
NEVER = -1
OLDEST_DRIVER = {12: 525, 13: 580}
"""NVIDIA's Linux driver that each major version of CUDA needs at least."""

INSTRUCTIONS = {"avx2": "AVX2", "avx512f": "AVX512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}
"""Names of what torch multiplies with, by the name of Linux: kinds of processors differ in them."""


@dataclass(frozen=True)
class Machine:
    """What a stage computes on."""

    device: torch.device
    """A CPU, or a CUDA device."""
    threads: int
    deterministic: bool
    allocator: str
    waiting: str | None
    """What the environment told OpenMP of threads that wait (pipeline/__init__.py); None where it told nothing."""
    instructions: str | None
    """The CPU's, as far as results depend on them: with others the last bits differ. None on CUDA."""

    @property
    def name(self) -> str:
        """The device as its maker names it."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else cpu_name()


def start(runtime: Runtime, *entries: ModelEntry) -> Machine:
    """Set up this process, which is to compute these entries of `models`. Call before the first tensor.

    Raises UserError for `device: cuda` without CUDA, for a precision that the device does not have, and on CUDA for
    kernels of Mamba that are installed in vain.
    """
    with warnings.catch_warnings():
        if runtime.device == "cuda":
            warnings.simplefilter("ignore")  # of torch, which says less than we do
        cuda = torch.cuda.is_available()
    if runtime.device == "cuda" and not cuda:
        raise UserError(f"runtime.device is cuda, but torch sees no CUDA device: {why_no_cuda()}")
    device = torch.device("cuda" if cuda and runtime.device != "cpu" else "cpu")
    if device.type == "cuda" and any(entry.block == "mamba" for entry in entries):
        look_for_kernels()
    if device.type == "cpu" and any(entry.precision == "tfloat32" for entry in entries):
        raise UserError("precision tfloat32 is for CUDA devices, and this is a CPU: set the model's to float32")
    allocator = _keep_freed_memory() if device.type == "cpu" else "torch's caching allocator"
    torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic with a fixed workspace alone
    # The same switch as use_deterministic_algorithms, which loads torch's compiler, a second of every stage.
    torch.set_deterministic_debug_mode("error" if runtime.deterministic else "default")
    instructions = cpu_instructions() if device.type == "cpu" else None
    told = [f"{name}={os.environ[name]}" for name in WAITING if name in os.environ]
    return Machine(device, runtime.threads, runtime.deterministic, allocator, " ".join(told) or None, instructions)


def why_no_cuda() -> str:
    """Why torch sees no GPU, and what to do."""
    needed = tuple(map(int, (torch.version.cuda or "13.0").split(".")))
    driver = f"NVIDIA driver {OLDEST_DRIVER.get(needed[0], 580)} or newer"
    supported = driver_cuda()
    if supported is None:
        if os.environ.get("GAM_CONTAINER"):
            return f"start the container with --gpus all, on a machine with {driver}"
        return f"install {driver}, or set it to auto or cpu"
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA, install another wheel"
    if supported < needed[0]:
        return (
            f"{driver_name()} supports CUDA {supported}, and torch {torch.__version__} was built for CUDA "
            f"{torch.version.cuda}: install {driver}"
        )
    return f"{driver_name()} shows none to this process (is CUDA_VISIBLE_DEVICES set?)"


def driver_cuda() -> int | None:
    """The major version of CUDA that the driver supports; None where no driver is to be found."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except OSError:
        return None
    return version.value // 1000


def driver_name() -> str:
    """The driver, with its version where the kernel tells it."""
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            found = re.search(r"\b\d{3}\.[\d.]+", file.read())
    except OSError:
        found = None
    return f"NVIDIA driver {found[0]}" if found else "the NVIDIA driver"


def look_for_kernels() -> None:
    """Say so where mamba-ssm's kernels are missing. Raises UserError where they are installed and do not load."""
    remedy = "pip install --no-build-isolation '.[mamba]'"
    if not have_kernels():
        print(f"mamba-ssm is not installed, Mamba runs on a slow scan in plain torch: {remedy}", file=sys.stderr)
        return
    try:
        import_module("mamba_ssm.ops.selective_scan_interface")
    except ImportError as error:
        raise UserError(f"the kernels of mamba-ssm do not load ({error}): {remedy}, against this torch") from None


def _keep_freed_memory() -> str:
    """Have glibc keep large tensors' memory: by default it returns each to the kernel and pages it in again."""
    kept = _tell_malloc({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: NEVER, M_TOP_PAD: 2**29})
    return "glibc, freed memory kept" if kept else "system default"


def return_freed_memory() -> None:
    """Have glibc give large tensors' memory back at once, whatever `start` told it.

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


def cpu_instructions() -> str | None:
    """Those of INSTRUCTIONS that the processor has; None where the platform does not tell, or there are none."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            flags = next(line for line in lines if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return None
    return " ".join(name for flag, name in INSTRUCTIONS.items() if flag in flags) or None


def cpu_name() -> str:
    """The processor's model name, as far as the platform tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
