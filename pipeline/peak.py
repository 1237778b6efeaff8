"""Stage `peak`: products of square matrices -> how many operations a device makes in a second at most -> results/peak.

On one thread and on runtime.threads, in each precision that the device has. Each device has a file of its own. The
stage is to run alone on its device.
"""

from functools import partial
from itertools import product

import torch

from pipeline.artifacts.cost_records import Peak, PeakResult
from pipeline.artifacts.provenance import provenance, slug
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.machine.gauge import Gauge
from pipeline.machine.gpu import SHORT_NUMBERS
from pipeline.machine.precision import forward_in
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.models import Precision

SIZES = tuple(2**power for power in range(8, 15))
"""Rows and columns, ever more: what a matrix is too small for is not the device's peak."""
PRODUCTS = 5
"""Of each size; the fastest counts."""
LONGEST = 50.0
"""Milliseconds of a product after which no larger one is tried."""


def main() -> None:
    _, params = read_names(__doc__)
    machine = start(params.runtime)
    peaks = []
    for threads, precision in product(sorted({1, params.runtime.threads}), precisions(machine.device)):
        torch.set_num_threads(threads)
        peaks.append(measure(machine.device, machine.gauge, threads, precision))
        print(f"{threads} threads, {precision}: {peaks[-1].flops_per_second / 1e9:,.0f} GFLOP/s", flush=True)
    write_result(paths.peak(slug(machine)), PeakResult(peaks=peaks, provenance=provenance(machine, None)))


def precisions(device: torch.device) -> tuple[Precision, ...]:
    """Those that the device has."""
    if device.type == "cpu":
        return "float32", "bfloat16"
    has_short = torch.cuda.get_device_capability(device) >= SHORT_NUMBERS
    return ("float32", "tfloat32", "bfloat16") if has_short else ("float32",)


def measure(device: torch.device, gauge: Gauge, threads: int, precision: Precision) -> Peak:
    """The best of all sizes."""
    found = []
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    for size in SIZES:
        square = torch.ones(size, size, dtype=kind, device=device)
        multiply = partial(torch.mm, square, square)
        with forward_in(precision, device):
            multiply()  # the first is slow
            gauge.wait()
            fastest = min(gauge.milliseconds(multiply) for _ in range(PRODUCTS))
        rate = 2 * size**3 / fastest * 1000
        found.append(Peak(threads=threads, precision=precision, size=size, flops_per_second=rate))
        if fastest > LONGEST:
            break
    return max(found, key=lambda peak: peak.flops_per_second)


if __name__ == "__main__":
    exit_cleanly(main)
