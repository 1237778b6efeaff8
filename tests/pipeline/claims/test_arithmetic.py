"""What arithmetic predicts of a block, against what torch counts, and against numbers worked out by hand."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from gam.blocks import build_block
from gam.config import ModelConfig
from pipeline.base.paths import HOUSE
from pipeline.claims.arithmetic import ROWS, kept_numbers, multiply_adds
from pipeline.claims.intervals import growth_exponent
from pipeline.params.schema import load_params

SMALL = {"d_model": 64, "block_size": 512}


def config(model: str, **changes: object) -> ModelConfig:
    return dataclasses.replace(load_params(HOUSE / "params.yaml").models[model].block_config(), **changes)


@pytest.mark.parametrize(
    "model", ["gam", "gam-sum-fusion", "gam-global-only", "gam-local-only", "transformer", "transformer-fused", "mamba"]
)
@pytest.mark.parametrize("tokens", [100, ROWS + 7])
def test_multiply_adds_are_those_that_torch_counts(model: str, tokens: int) -> None:
    """An addition is an operation of its own there."""
    small = config(model, **SMALL)
    block, x = build_block(small).train(), torch.randn(1, tokens, 64)
    with FlopCounterMode(display=False) as forward:
        y = block(x)
    assert forward.get_total_flops() == 2 * multiply_adds(small, tokens)
    if model == "mamba":  # whose input here needs no gradient, and has no norm before it
        return
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    assert backward.get_total_flops() == 2 * forward.get_total_flops()


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("model", ["gam", "transformer"])
def test_kept_numbers_are_those_that_autograd_keeps(model: str, dropout: float) -> None:
    """But for the two numbers of the first norm for each token, and the mask of the future, one byte for each pair."""
    tokens, small = 192, config(model, **SMALL, dropout=dropout)
    block, x = build_block(small).train(), torch.randn(1, tokens, 64)
    given = {tensor.untyped_storage().data_ptr() for tensor in (x, *block.parameters())}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        block(x)
    found = sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in given) // 4
    expected = kept_numbers(small, tokens)
    assert expected is not None
    mask = tokens * tokens // 4 if model == "transformer" else 0
    assert found == expected + 2 * tokens + mask


def test_the_paper_s_blocks() -> None:
    """At d = 512 attention costs as much as the rest at 6 d tokens: up to 4,096 its share is too small for x4."""
    transformer, gam = config("transformer"), config("gam")
    lengths = [1024, 2048, 4096]
    counts = [multiply_adds(transformer, length) or 0 for length in lengths]
    assert counts[0] == 1024 * 12 * 512**2 + 2 * 512 * 1024**2
    assert multiply_adds(transformer, 3072) == 2 * 3072 * 12 * 512**2
    assert growth_exponent(lengths, [float(count) for count in counts]).mean == pytest.approx(1.40, abs=0.005)
    assert [counts[1] / counts[0], counts[2] / counts[1]] == [2.5, 2.8]
    assert multiply_adds(gam, 256) == 256 * 12 * 512**2


def test_a_block_without_a_formula() -> None:
    assert kept_numbers(config("mamba"), 16) is None
    assert kept_numbers(config("transformer-fused"), 16) is None
    assert kept_numbers(config("gam-sum-fusion"), 16) is None
