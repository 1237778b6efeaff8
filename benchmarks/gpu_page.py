"""What `make gpu` found, on docs/performance.md.

`python -m benchmarks.gpu_page FOLDER`: takes the reports parity.json, block.json and steps.json that lie in FOLDER into
benchmarks/gpu.json, and shows them on the page. A report that is not there stays as it was. `make gpu` writes the first
two; the third holds `provenance` and the `steps` that `make bench` measures on a GPU.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.report import block, steps
from pipeline.base.files import read_json, write_json, write_text
from pipeline.base.paths import HOUSE

KEPT = HOUSE / "benchmarks/gpu.json"
PAGE = HOUSE / "docs/performance.md"
SHOWN = re.compile(r"(?s)(<!-- measured on a GPU -->\n).*(<!-- end of it -->)")


def main() -> None:
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in ("parity", "block", "steps"):
        report = Path(sys.argv[1]) / f"{name}.json"
        if report.exists():
            found[name] = read_json(report)
    write_json(KEPT, found)
    text = gpu_report(found)
    write_text(PAGE, SHOWN.sub(lambda old: old[1] + text + old[2], PAGE.read_text(encoding="utf-8")))


def gpu_report(found: dict[str, Any]) -> str:
    """The device, then whether it computes the same, and how fast, as Markdown."""
    tables = (
        [machine(found["block"]["provenance"])],
        parity(found["parity"]),
        block(found["block"]),
        steps(found["steps"]),
    )
    return "\n\n".join("\n".join(lines) for lines in tables) + "\n"


def machine(stamp: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {stamp['packages'][name]}" for name in ("python", "torch", "triton", "mamba-ssm"))
    return f"{stamp['device']}; driver {stamp['stack']['driver']}, CUDA {stamp['stack']['cuda']}; {packages}."


def parity(found: dict[str, Any]) -> list[str]:
    """Largest differences from the CPU's float32."""
    lines = [
        "| differs from the CPU by | one block, float32: share of the norm | one block, bfloat16: share of the norm "
        "| loss of five training steps, float32: nats | the same steps once more |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for model, nats in found["steps"].items():
        shares = [f"{found['blocks'][f'{model} {precision}']:.0e}" for precision in ("float32", "bfloat16")]
        again = "the same bits" if found["rerun"][model] else "other bits"
        lines.append(f"| {' | '.join([model, *shares, f'{nats:.0e}', again])} |")
    return lines


if __name__ == "__main__":
    main()
