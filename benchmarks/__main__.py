"""`make bench`: how fast this machine runs the models, beside the published algorithm and beside its own limit.

Everything is measured in one process and in turn, but for whole commands and for torch's default allocator, which have
processes of their own. Prints every bar and whether it holds, writes benchmarks/results.json and what
docs/performance.md shows of it, and ends with 1 where a bar does not hold, with 2 where the parity tests fail. The
machine should do nothing else meanwhile.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.bars import bars
from benchmarks.blocks import measure_block
from benchmarks.jobs import time_side_by_side
from benchmarks.kernels import kernels
from benchmarks.measure import in_turn, peak_mib
from benchmarks.modes import loss_changes
from benchmarks.report import report
from benchmarks.stages import time_nothing_to_do, time_tables, time_tokenisation
from benchmarks.steps import measure_steps, stepper
from pipeline.artifacts.provenance import provenance
from pipeline.base import paths
from pipeline.base.files import write_json, write_text
from pipeline.machine.gauge import CpuGauge
from pipeline.machine.setup import Machine, start
from pipeline.params.models import Precision
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params, load_params

PARITY = (
    "tests/gam/test_ops.py",
    "tests/gam/test_golden.py",
    "tests/pipeline/training/test_protocol.py::test_compiled",
)
ROUNDS = 6
RESULTS = Path("benchmarks/results.json")
PARTLY = paths.WORK / "benchmarks.json"
"""What is measured so far."""
PAGE = Path("docs/performance.md")
SHOWN = re.compile(r"(?s)(<!-- measured -->\n).*(<!-- end -->)")


def main() -> None:
    if subprocess.run([sys.executable, "-m", "pytest", "-q", *PARITY]).returncode:
        print("error: nothing is measured while the parity tests fail: mend what they name", file=sys.stderr)
        sys.exit(2)
    params, busy = load_params(), CpuGauge().busy_share(seconds=1.0)
    machine = start(params.runtime.model_copy(update={"deterministic": False}))
    results = {"provenance": provenance(machine, None).model_dump(), "busy_before": busy}
    for part in parts(params, machine):
        results |= part
        write_json(PARTLY, results)  # what fails later takes nothing away
    write_json(RESULTS, results)
    PARTLY.unlink()
    text = report(results)
    print(text)
    write_text(PAGE, SHOWN.sub(lambda found: found[1] + text + found[2], PAGE.read_text(encoding="utf-8")))
    sys.exit(any(bar.holds is False for bar in bars(results)))


def parts(params: Params, machine: Machine) -> Iterator[dict[str, Any]]:
    """The measurements, each as it is made."""
    yield on_gpu(params, machine) if machine.device.type == "cuda" else on_cpu(params, machine)
    yield {
        "commands": {
            "tokenisation": time_tokenisation(),
            "tables": time_tables(),
            "nothing_to_do": time_nothing_to_do(),
            "nothing_to_do_in_all_grids": time_nothing_to_do(families=read_yaml(paths.PARAMS)["families"]),
        }
    }
    yield {"side_by_side": asdict(time_side_by_side(jobs=2))}
    yield {"loss_changes": loss_changes()}
    yield {"kernels": [asdict(kernel) for kernel in kernels()]}


def on_cpu(params: Params, machine: Machine) -> dict[str, Any]:
    """Steps of GAM and the Transformer, a long block, and Mamba beside GAM.

    bfloat16 where the processor has units for it: with AVX2 alone a step takes a quarter of an hour.
    """
    precisions: list[Precision] = ["float32", "bfloat16"] if bfloat16_instructions() else ["float32"]
    if len(precisions) == 1:
        print("not measured: bfloat16, for which this processor has no units", flush=True)
    steps = [
        measure_steps(params, name, precision, machine.device, compiled=False, rounds=ROUNDS)
        for name in ("gam", "transformer-fused")
        for precision in precisions
    ]
    block = measure_block(params, "gam", "float32", 2, 2048, machine.device, 2 * ROUNDS)
    mamba, gam = (stepper(params, name, "float32", machine.device, compiled=False) for name in ("mamba", "gam"))
    return {
        "cpu": bfloat16_instructions(),
        "steps": [asdict(step) for step in steps],
        "block": asdict(block),
        "mamba": {"peak_mib": peak_mib(mamba), "seconds": in_turn({"mamba": mamba, "gam": gam}, 3)},
    }


def on_gpu(params: Params, machine: Machine) -> dict[str, Any]:
    """The fastest ways to train GAM, the published one, and a long block."""
    steps = [
        measure_steps(params, "gam", "bfloat16", machine.device, compiled=True, rounds=ROUNDS),
        measure_steps(params, "gam-fused-mix", "bfloat16", machine.device, compiled=True, rounds=ROUNDS),
        measure_steps(params, "gam", "float32", machine.device, compiled=False, rounds=ROUNDS),
    ]
    block = measure_block(params, "gam", "bfloat16", 16, 8192, machine.device, ROUNDS)
    return {"steps": [asdict(step) for step in steps], "block": asdict(block)}


def bfloat16_instructions() -> list[str]:
    """Those for bfloat16 products that this CPU has."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return [flag for flag in ("amx_bf16", "avx512_bf16") if flag in flags]


if __name__ == "__main__":
    main()
