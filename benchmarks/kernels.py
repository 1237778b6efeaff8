"""The Triton kernels, compiled for GPUs that need not be here: registers, spills and shared memory of each.

`python -m benchmarks.kernels` prints them, and exits with 1 where one spills.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

TAPS = 3
CARDS = {75: "T4", 80: "A100", 90: "H100"}
"""By compute capability times ten."""
MACHINE_CODE = {75: "sm_75", 80: "sm_80", 90: "sm_90a"}
FACTORS = ("n", "logits", "retrieved", "grad_n", "grad_logits", "grad_retrieved")
"""Tensors in bfloat16; the others are in float32."""
SIZES = ("n_rows", "length", "n_columns", "n_parts", "width")


@dataclass(frozen=True)
class Kernel:
    """What one needs on one card."""

    name: str
    card: str
    registers: int
    """Of a thread."""
    spilled_bytes: int
    shared_bytes: int


def kernels() -> list[Kernel]:
    """All of them on all cards; none where Triton is not installed."""
    try:
        from gam.ops import gated_mix_kernels as ours
    except ImportError:
        return []
    tile = {"rows": ours.ROWS, "columns": ours.COLUMNS}
    sums = {"tiles": ours.TILES, "n_sums": TAPS + ours.BIASES, "padded_sums": 8}
    constants: dict[str, dict[str, int]] = {
        "mix_forward": {"taps": TAPS, **tile},
        "mix_backward": {"taps": TAPS, **tile, **sums},
        "add_parts": {"at_once": ours.PARTS, "columns": ours.COLUMNS},
    }
    return [
        compiled(name, getattr(ours, name), given, capability)
        for name, given in constants.items()
        for capability in CARDS
    ]


def compiled(name: str, function: Any, constants: dict[str, int], capability: int) -> Kernel:
    """By Triton and the assembler that comes with it."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature = {each: "constexpr" if each in constants else _kind(each) for each in function.arg_names}
    places = {(function.arg_names.index(each),): value for each, value in constants.items()}
    aligned = {
        (at,): [["tt.divisibility", 16]]
        for at, each in enumerate(function.arg_names)
        if signature[each].startswith("*") or each in ("n_columns", "width")
    }
    code = triton.compile(ASTSource(function, signature, places, aligned), target=GPUTarget("cuda", capability, 32))
    with TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(code.asm["ptx"], encoding="utf-8")
        assembler = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas"
        done = subprocess.run(
            [assembler, "-v", f"--gpu-name={MACHINE_CODE[capability]}", source, "-o", Path(folder, "kernel.cubin")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    (registers,) = re.findall(r"Used (\d+) registers", done.stderr)
    (spilled,) = re.findall(r"(\d+) bytes spill stores", done.stderr)
    return Kernel(name, CARDS[capability], int(registers), int(spilled), code.metadata.shared)


def _kind(argument: str) -> str:
    if argument in SIZES:
        return "i32"
    return "*bf16" if argument in FACTORS else "*fp32"


def main() -> None:
    found = kernels()
    for each in found:
        print(
            f"{each.name} on {each.card}: {each.registers} registers, {each.spilled_bytes} bytes spilled, "
            f"{each.shared_bytes} bytes of shared memory"
        )
    if not found:
        print(f"error: Triton is not installed beside torch {torch.__version__}", file=sys.stderr)
    sys.exit(not found or any(each.spilled_bytes for each in found))


if __name__ == "__main__":
    main()
