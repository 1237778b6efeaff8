"""Initialisation `normal`: which tensors are drawn, from what, and what stays as published."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from gam import LanguageModel, ModelConfig
from gam.blocks.mamba import DT_MAX, DT_MIN
from pipeline.base.paths import HOUSE
from tests.gam.test_model import CONFIGS

TRUNK = {"token_embedding.weight", "pos_embedding.weight"}
FFN = {"ffn.0.weight", "ffn.2.weight"}
MATRICES = {
    "transformer": FFN | {"attn.c_attn.weight", "attn.c_proj.weight"},
    "mamba-residual": {"in_proj.weight", "x_proj.weight", "out_proj.weight"},
    "gam": FFN | {"memory_bank", "gate.weight"},
    "ffn-only": FFN,
}
"""By model, those of a block."""


def parameters(config: ModelConfig, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {name: parameter.detach() for name, parameter in LanguageModel(config).named_parameters()}


def normal(name: str, **changes: int) -> ModelConfig:
    config: ModelConfig = dataclasses.replace(CONFIGS[name], init="normal", init_std=0.02, **changes)
    return config


@pytest.mark.parametrize("name", MATRICES)
def test_what_is_drawn(name: str) -> None:
    """All matrices; biases but those of Mamba's step sizes are zero; the rest is as published, bit for bit."""
    ours, published = parameters(normal(name)), parameters(CONFIGS[name])
    drawn = TRUNK | {f"blocks.{layer}.{matrix}" for layer in range(2) for matrix in MATRICES[name]}
    zeros = {name for name in ours if name.endswith("bias") and "dt_proj" not in name}
    assert {name for name in ours if not torch.equal(ours[name], published[name])} >= drawn
    assert all(torch.all(ours[name] == 0) for name in zeros)
    assert all(torch.equal(ours[name], published[name]) for name in ours.keys() - drawn - zeros)
    for matrix in drawn:
        values, error = ours[matrix], 5 / ours[matrix].numel() ** 0.5  # of a standard deviation: five standard errors
        assert abs(values.mean().item()) < 0.02 * error
        assert abs(values.std().item() / 0.02 - 1) < error
    assert len({tuple(ours[matrix].flatten()[:4].tolist()) for matrix in drawn}) == len(drawn), "two have one seed"


def test_mambas_step_sizes_and_decays_are_published() -> None:
    ours = parameters(normal("mamba"))
    steps = torch.nn.functional.softplus(ours["blocks.1.dt_proj.bias"])
    assert DT_MIN * 0.999 < steps.min() < steps.max() < DT_MAX * 1.001
    assert torch.equal(ours["blocks.1.A_log"][0].exp().round(), torch.arange(1.0, 5.0))
    assert torch.all(ours["blocks.1.D"] == 1)


def test_a_matrix_follows_from_seed_and_name() -> None:
    """Neither from the block nor from the number of layers; the seed is that of torch's generator."""
    gam = parameters(normal("gam"))
    for other in (normal("transformer"), normal("mamba"), normal("gam", n_layer=3)):
        theirs = parameters(other)
        assert all(torch.equal(gam[name], theirs[name]) for name in TRUNK)
    assert torch.equal(gam["blocks.1.ffn.0.weight"], parameters(normal("transformer"))["blocks.1.ffn.0.weight"])
    assert not torch.equal(gam["pos_embedding.weight"], parameters(normal("gam"), seed=1)["pos_embedding.weight"])
    torch.manual_seed(0)
    first, second = LanguageModel(normal("gam")), LanguageModel(normal("gam"))
    assert torch.equal(first.pos_embedding.weight, gam["pos_embedding.weight"])
    assert not torch.equal(first.pos_embedding.weight, second.pos_embedding.weight)


def test_the_generator_moves_on_as_for_published() -> None:
    parameters(CONFIGS["gam"])
    after = torch.get_rng_state()
    parameters(normal("gam"))
    assert torch.equal(torch.get_rng_state(), after)


def test_another_process_draws_the_same() -> None:
    """Whatever Python's hashes are."""
    code = (
        "from tests.gam.test_initialisation import normal, parameters\n"
        "from hashlib import sha256\n"
        "print(sha256(b''.join(p.numpy().tobytes() for p in parameters(normal('mamba')).values())).hexdigest())"
    )
    call = [sys.executable, "-c", code]
    hashes = {
        subprocess.run(call, cwd=HOUSE, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_without_memory_for_the_weights() -> None:
    """On the device meta, as parameters are counted."""
    with torch.device("meta"):
        assert LanguageModel(normal("gam")).n_parameters() == LanguageModel(CONFIGS["gam"]).n_parameters()
