"""One GAM block on a long input: as published, ours, and compiled.

`python -m benchmarks.long_block --device cuda --report FILE`
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.blocks import measure_block
from pipeline.artifacts.provenance import provenance
from pipeline.base.files import write_json
from pipeline.machine.setup import start
from pipeline.params.models import Precision
from pipeline.params.schema import load_params

ROUNDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", required=True)
    parser.add_argument("--report", required=True, type=Path)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=8192)
    args = parser.parse_args()
    params = load_params()
    machine = start(params.runtime.model_copy(update={"deterministic": False, "device": args.device}))
    precision: Precision = "bfloat16" if machine.gauge.kind == "cuda" else "float32"
    block = measure_block(params, "gam", precision, args.batch_size, args.length, machine.device, ROUNDS)
    write_json(args.report, {"provenance": provenance(machine, precision).model_dump(), "block": asdict(block)})
    for how, seconds in block.seconds.items():
        peak = f", {block.peak_mib[how]:,.0f} MiB" if how in block.peak_mib else ""
        print(f"{how}: {1000 * median(seconds):.2f} ms{peak}", flush=True)


if __name__ == "__main__":
    main()
