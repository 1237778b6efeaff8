"""The process's device, threads, determinism and allocator: set once, when a stage that computes starts."""

import os
import warnings
from dataclasses import dataclass

import torch

from pipeline import WAITING
from pipeline.base.errors import UserError
from pipeline.machine import cpu, gpu
from pipeline.machine.gauge import Gauge, gauge_of
from pipeline.params.models import ModelEntry
from pipeline.params.schema import Runtime


@dataclass(frozen=True)
class Machine:
    """What a stage computes on."""

    device: torch.device
    """A CPU, or a CUDA device."""
    gauge: Gauge
    """Its clock and its memory."""
    name: str
    """The device as its maker names it."""
    threads: int
    deterministic: bool
    allocator: str
    waiting: str | None
    """What the environment told OpenMP of threads that wait (pipeline/__init__.py); None where it told nothing."""
    instructions: str | None
    """The CPU's, as far as results depend on them: with others the last bits differ. None on CUDA."""
    stack: dict[str, str]
    """What drives a GPU, and its compute capability; empty on a CPU."""


def start(runtime: Runtime, *entries: ModelEntry) -> Machine:
    """Set up this process, which is to compute these entries of `models`. Call before the first tensor.

    Raises UserError for `device: cuda` without CUDA, for fewer GPUs than processes of a run, for a GPU that torch has
    no code for, for a precision that the device does not have, and on CUDA for kernels of Mamba that are installed in
    vain.
    """
    with warnings.catch_warnings():
        if runtime.device == "cuda":
            warnings.simplefilter("ignore")  # of torch, which says less than we do
        cuda = torch.cuda.is_available()
    if runtime.device == "cuda" and not cuda:
        raise UserError(f"runtime.device is cuda, but torch sees no CUDA device: {gpu.why_no_cuda()}, or set it to cpu")
    device = torch.device("cuda" if cuda and runtime.device != "cpu" else "cpu")
    torch.set_num_threads(runtime.threads)
    if runtime.deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic with a fixed workspace alone
    # The same switch as use_deterministic_algorithms, which loads torch's compiler, a second of every stage.
    torch.set_deterministic_debug_mode("error" if runtime.deterministic else "default")
    # It would fill every new tensor with NaN: a fifteenth of a small model's step. None is read before it is written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    precisions = [entry.precision for entry in entries]
    told = [f"{name}={os.environ[name]}" for name in WAITING if name in os.environ]
    waiting, gauge = " ".join(told) or None, gauge_of(device)
    if device.type == "cuda":
        gpu.take_own()
        gpu.require_capability(device, *precisions)
        if any(entry.block == "mamba" for entry in entries):
            gpu.look_for_kernels()
        name, allocator = torch.cuda.get_device_name(device), "torch's caching allocator"
        return Machine(
            device, gauge, name, runtime.threads, runtime.deterministic, allocator, waiting, None, gpu.stack(device)
        )
    if "tfloat32" in precisions:
        raise UserError("precision tfloat32 is for CUDA devices, and this is a CPU: set the model's to float32")
    cpu.choose_vector_code()
    instructions, allocator = cpu.instructions(), cpu.keep_freed_memory()
    if "bfloat16" in precisions:
        cpu.warn_of_slow_bfloat16(instructions)
    return Machine(
        device, gauge, cpu.name(), runtime.threads, runtime.deterministic, allocator, waiting, instructions, {}
    )
