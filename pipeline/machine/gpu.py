"""An NVIDIA GPU: why there is none, what it can compute, what it is driven by, and what else runs on it."""

import ctypes
import os
import re
import sys
from importlib import import_module

import torch

from gam.ops.mamba_kernels import have_kernels
from pipeline.base.errors import UserError
from pipeline.machine.nvidia_smi import ask
from pipeline.params.models import Precision

OLDEST_DRIVER = {12: 525, 13: 580}
"""NVIDIA's Linux driver that each major version of CUDA needs at least."""
SHORT_NUMBERS = (8, 0)
"""Compute capability from which on a GPU has units for bfloat16 and tfloat32. Older ones emulate bfloat16, slowly, and
torch then says that it is supported."""


def why_no_cuda() -> str:
    """Why torch sees no GPU, and what to do."""
    needed = tuple(map(int, (torch.version.cuda or "13.0").split(".")))
    driver = f"NVIDIA driver {OLDEST_DRIVER.get(needed[0], 580)} or newer"
    supported = driver_cuda()
    if supported is None:
        if os.environ.get("GAM_CONTAINER"):
            return f"start the container with --gpus all, on a machine with {driver}"
        return f"install {driver}"
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA, install another wheel"
    if supported < needed[0]:
        return (
            f"{driver_name()} supports CUDA {supported}, and torch {torch.__version__} was built for CUDA "
            f"{torch.version.cuda}: install {driver}, or torch's wheels for CUDA {supported} (docs/container.md)"
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


def take_own() -> None:
    """Have this process compute on a GPU of its own, where torchrun started several on this machine.

    Raises UserError where there are fewer GPUs.
    """
    processes, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    if processes == 1:
        return
    if processes > gpus:
        raise UserError(
            f"{processes} processes need a GPU each, and torch sees {gpus}: start torchrun with --nproc-per-node "
            f"{gpus}, or set runtime.device to cpu"
        )
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


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


def require_capability(device: torch.device, *precisions: Precision) -> None:
    """Raise UserError for a GPU that this torch has no machine code for, or that has no units for a precision."""
    name, capability = torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device)
    dotted, built_for = ".".join(map(str, capability)), torch.cuda.get_arch_list()
    if not any(_runs_on(architecture, capability) for architecture in built_for):
        raise UserError(
            f"{name} has compute capability {dotted}, and torch {torch.__version__} was built for "
            f"{', '.join(built_for)}: install another wheel (docs/container.md), or set runtime.device to cpu"
        )
    oldest = ".".join(map(str, SHORT_NUMBERS))
    for precision in precisions:
        if precision in ("bfloat16", "tfloat32") and capability < SHORT_NUMBERS:
            raise UserError(
                f"precision {precision} needs a GPU of compute capability {oldest} or newer, and {name} "
                f"has {dotted}: set the model's to float32"
            )


def _runs_on(architecture: str, capability: tuple[int, int]) -> bool:
    """Whether code for an architecture, such as sm_80, runs on a GPU. Code in PTX (compute_80) runs on newer ones too,
    machine code on those of the same major version, and that with a letter (sm_90a) on no other at all."""
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([a-z]?)", architecture)
    if found is None:
        return False
    kind, major, minor, letter = found.groups()
    built_for = int(major), int(minor)
    if letter:
        return built_for == capability
    return built_for <= capability and (kind == "compute" or built_for[0] == capability[0])


def stack(device: torch.device) -> dict[str, str]:
    """Versions of what drives a GPU, and its compute capability."""
    return {
        "driver": (re.search(r"[\d.]+$", driver_name()) or [""])[0],
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
        "capability": ".".join(map(str, torch.cuda.get_device_capability(device))),
    }


def busy_share(device: torch.device) -> float | None:
    """Share of the last second or less in which the GPU computed; None where nvidia-smi does not tell."""
    uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    try:
        return int(ask(uuid, "utilization.gpu")["utilization.gpu"]) / 100
    except (KeyError, ValueError):
        return None
