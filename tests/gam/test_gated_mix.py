"""The fused mix against its definition, on the CPU by Triton's interpreter, and compiled for GPUs that are not here."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import torch
from torch import Tensor

from gam.blocks.gam import GAMBlock
from gam.config import GAMConfig
from gam.ops.gated_mix import gated_mix, gated_mix_reference
from pipeline.base.paths import HOUSE

pytest.importorskip("triton", reason="Triton has wheels for Linux on x86-64 alone")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""On a CPU tests/conftest.py has Triton interpret its kernels."""


def inputs_of(batch: int, length: int, width: int, taps: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """As a block has them: the input and the parameters in float32, the factors in `dtype`."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, length, width)] * 2 + [(batch, length, 2 * width), (2 * width,), (batch, length, width)]
    shapes += [(width, 1, taps), (width,)]
    is_factor = [False, True, True, False, True, False, False]
    return [
        torch.randn(shape, generator=generator).to(DEVICE, dtype if factor else torch.float32).requires_grad_()
        for shape, factor in zip(shapes, is_factor, strict=True)
    ]


def results(mix: Any, inputs: list[Tensor]) -> list[Tensor]:
    """Output and gradients."""
    y = mix(*inputs)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), inputs)]


SHAPES = [(3, 63, 20, 3), (1, 1, 1, 1), (2, 5, 130, 4), (3, 300, 48, 3), (1, 2, 64, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_computes_the_definition(shape: tuple[int, int, int, int]) -> None:
    """Widths that are no power of two, sequences that end within a tile, more taps than tokens."""
    inputs = inputs_of(*shape)
    for ours, theirs in zip(results(gated_mix, inputs), results(gated_mix_reference, inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-5, atol=1e-5)
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("shape", SHAPES[:4:3])
def test_in_bfloat16_it_rounds_once(shape: tuple[int, int, int, int]) -> None:
    """Results are those of the definition in float32, those in bfloat16 to a unit in the last place.

    The definition in bfloat16 rounds after every operation.
    """
    inputs = inputs_of(*shape, dtype=torch.bfloat16)
    truth = results(gated_mix_reference, [each.detach().float().requires_grad_() for each in inputs])
    ours, theirs = results(gated_mix, inputs), results(gated_mix_reference, inputs)
    assert [each.dtype for each in ours] == [each.dtype for each in theirs]
    for found, plain, true in zip(ours, theirs, truth, strict=True):
        if found.dtype == torch.bfloat16:
            assert ((found.float() - true).abs() <= 2**-7 * true.abs() + 1e-6).all()
        else:
            error, plain_error = ((each - true).norm() / true.norm() for each in (found, plain))
            assert error <= 1e-6
            assert torch.equal(plain, true) or error < plain_error / 100


def test_sums_over_tokens_have_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bits a second time; and no part is lost, whatever the parts."""
    inputs = inputs_of(3, 200, 20, 3)
    first = results(gated_mix, inputs)
    assert all(torch.equal(one, other) for one, other in zip(first, results(gated_mix, inputs), strict=True))
    kernels = import_module("gam.ops.gated_mix_kernels")
    for name, value in (("TILES", 2), ("ROWS", 16), ("PARTS", 4), ("COLUMNS", 16)):
        monkeypatch.setattr(kernels, name, value)
    for one, other in zip(first, results(gated_mix, inputs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("autocast", [False, True])
def test_a_block_that_uses_it(autocast: bool) -> None:
    """`add_mix` is what the block does on CUDA in place of x + mix(n)."""
    torch.manual_seed(0)
    config = GAMConfig(
        vocab_size=1, block_size=40, d_model=24, n_layer=1, dropout=0.0, n_slot=8, kernel_size=3, fused_mix=True
    )
    block = GAMBlock(config).to(DEVICE)
    x = torch.randn(2, 37, 24, device=DEVICE, requires_grad=True)
    found = []
    for compute in (lambda n: block.add_mix(x, n), lambda n: x + block.mix(n).to(x.dtype)):
        with torch.autocast(DEVICE.type, dtype=torch.bfloat16, enabled=autocast):
            assert block.ln1 is not None
            y = compute(block.ln1(x))
        mixing = [parameter for name, parameter in block.named_parameters() if not name.startswith(("ffn", "ln2"))]
        found.append([y.detach(), *torch.autograd.grad(y.square().sum(), [x, *mixing])])
    allowed = 2e-2 if autocast else 1e-5
    for ours, theirs in zip(*found, strict=True):
        assert ((ours - theirs).norm() / theirs.norm()).item() < allowed


@pytest.mark.parametrize("operation", [torch.ops.gam.gated_mix, torch.ops.gam.gated_mix_backward])
def test_torch_may_compile_around_it(operation: Any) -> None:
    """It says of its results what is true of them, and no result is a view of another tensor."""
    inputs = [each.detach() for each in inputs_of(2, 5, 8, 3)]
    torch.library.opcheck(operation.default, inputs, test_utils=("test_schema", "test_faketensor"))


def test_a_compiled_block_is_one_graph() -> None:
    inputs = inputs_of(2, 21, 24, 3)
    compiled = torch.compile(gated_mix, backend="aot_eager", fullgraph=True)
    for ours, theirs in zip(results(compiled, inputs), results(gated_mix, inputs), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_compiled_without_a_gpu() -> None:
    """For a T4, an A100 and an H100; nothing spills out of the registers. In a process that interprets nothing."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels"],
        env=environment,
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("0 bytes spilled") == 9
