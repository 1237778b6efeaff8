"""Stage `scaling`: one block of a model, forward and backward, at many lengths -> results/scaling (Table 2).

Each device has a file of its own.

Memory: each length in a process of its own, with all of the memory and then with the cap, so that running out of it is
an outcome and no length inherits the memory of another. On a CPU a process may allocate no more than is free: it runs
out before the machine swaps. Time: all lengths in turn, in one process. Deterministic mode is off, as it was for the
published times.
"""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import TypeVar

from gam.ops.mamba_kernels import have_kernels
from pipeline.artifacts.cost_records import ScalingPoint, ScalingResult
from pipeline.artifacts.provenance import provenance, slug
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.apart import KilledError, call_apart
from pipeline.base.errors import exit_cleanly
from pipeline.evaluation.block_cost import Job, Times, fits, peak_memory, time_in_turn
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.schema import Scaling

ENVIRONMENT = {"KINETO_LOG_LEVEL": "99", "TORCH_CPP_LOG_LEVEL": "ERROR", "CUBLAS_WORKSPACE_CONFIG": ":4096:2:16:8"}
"""Has torch's profiler keep to itself that it starts, stops, and did not see what was allocated before; and cuBLAS take
8 MiB of workspace on every GPU, of which newer ones take 32: it counts as memory of the block."""
KERNELS = "mamba_ssm.ops.selective_scan_interface"
"""Takes seconds to load, and is loaded once for all lengths."""

NEVER = Times([], [], [])
"""Of a length that does not fit."""

Answer = TypeVar("Answer")


def main() -> None:
    args, params = read_names(__doc__, "model")
    os.environ.update(ENVIRONMENT)
    runtime = params.runtime.model_copy(update={"deterministic": False})
    machine = start(runtime, params.models[args.model])
    gauge = machine.gauge
    available = gauge.available_gib()
    config, on = params.models[args.model].block_config(), params.scaling.on(gauge.kind)
    job = Job(runtime, config, on, limit_gib=available if gauge.kind == "cpu" else None)
    uses_kernels = gauge.kind == "cuda" and params.models[args.model].block == "mamba" and have_kernels()
    preload = ["pipeline.evaluation.block_cost", *([KERNELS] if uses_kernels else [])]
    multiprocessing.get_context("forkserver").set_forkserver_preload(preload)
    result = ScalingResult(
        model=args.model,
        entry=params.models[args.model].as_written(),
        on=on,
        warmup=params.scaling.warmup,
        cap_gib=params.scaling.cap.gib,
        available_gib=available,
        points=measure(job, params.scaling),
        provenance=provenance(machine, on.precision),
    )
    write_result(paths.scaling(args.model, slug(machine)), result)


def measure(job: Job, settings: Scaling) -> list[ScalingPoint]:
    """What every length costs. Where a CPU has less free than the cap, nothing is said of the cap."""
    cap = settings.cap.gib
    peaks: dict[int, float | None] = {}
    fitting: dict[int, bool | None] = {}
    for length in job.on.lengths:
        peaks[length] = apart(None, peak_memory, job, length)
        is_known = job.limit_gib is None or job.limit_gib >= cap
        fitting[length] = apart(False, fits, replace(job, limit_gib=cap), length) if is_known else None
        most = "out of memory" if peaks[length] is None else f"{peaks[length]:.1f} MiB"
        told = {True: f"fits in {cap} GiB", False: f"does not fit in {cap} GiB", None: f"{cap} GiB are not free"}
        print(f"{length} tokens, batch {job.on.memory_batch_size}: {most}; {told[fitting[length]]}", flush=True)
    times = times_of(job, settings.warmup)
    for length in job.on.lengths:
        taken = f"{median(times[length].published):.1f} ms" if length in times else "out of memory"
        print(f"{length} tokens, batch {job.on.batch_size}: {taken}", flush=True)
    return [
        ScalingPoint(
            length=length,
            milliseconds=each.published,
            queued_milliseconds=each.queued,
            finite_milliseconds=each.finite,
            peak_mib=peaks[length],
            fits_cap=fitting[length],
        )
        for length in job.on.lengths
        for each in [times.get(length, NEVER)]
    ]


def times_of(job: Job, warmup: int) -> dict[int, Times]:
    """Of the lengths that fit. One that does not is left out with all that are longer, and the rest are timed anew."""
    lengths = job.on.lengths
    while lengths:
        longest_is_short = {lengths[-1]: NEVER}
        times = apart(longest_is_short, time_in_turn, job, lengths, warmup)
        short = next((length for length, each in times.items() if not each.published), None)
        if short is None:
            return times
        lengths = [length for length in lengths if length < short]
    return {}


def apart(otherwise: Answer, function: Callable[..., Answer], *args: object) -> Answer:
    """`function(*args)` in a process of its own; `otherwise` where the kernel killed that for want of memory."""
    try:
        return call_apart(multiprocessing.get_context("forkserver"), function, *args)
    except KilledError:
        return otherwise


if __name__ == "__main__":
    exit_cleanly(main)
