"""Our models and training against the recorded numbers of the published code."""

import json
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from gam import GAMConfig, LanguageModel, MambaConfig, ModelConfig, TransformerConfig
from pipeline.base.paths import HOUSE
from pipeline.params.protocols import Train
from pipeline.training.protocol import learning_rate, make_optimiser, train_step

GOLDEN = HOUSE / "tests" / "golden"
CASES = {case["name"]: case for case in json.loads((GOLDEN / "cases.json").read_text())}

LOGARITHMS = ("A_log", "dt_proj.bias")
"""Initial values that are logarithms: there kinds of processors differ by the last bit. All others are only drawn."""
LAST_BIT = 2.0**-23
"""Of a float32, as a part of it."""


def config_of(case: dict[str, Any]) -> ModelConfig:
    published = case["config"]
    trunk = {
        "vocab_size": published["VOCAB_SIZE"],
        "block_size": published["BLOCK_SIZE"],
        "d_model": published["N_EMBED"],
        "n_layer": published["N_LAYER"],
        "dropout": published["DROPOUT"],
    }
    if case["model"] == "gam":
        slots, taps = published["NUM_MEMORY_SLOTS"], published["CONV_KERNEL_SIZE"]
        return GAMConfig(**trunk, n_slot=slots, kernel_size=taps)
    if case["model"] == "transformer":
        return TransformerConfig(**trunk, n_head=published["N_HEAD"])
    state, taps, expand = published["D_STATE"], published["D_CONV"], published["EXPAND"]
    return MambaConfig(**trunk, d_state=state, d_conv=taps, expand=expand)


def settings_of(case: dict[str, Any]) -> Train:
    optimizer = case["optimizer"]
    return Train(
        epochs=1,
        batch_size=case["batch"],
        learning_rate=optimizer["lr"],
        warmup_steps=case["warmup"],
        beta1=optimizer["betas"][0],
        beta2=optimizer["betas"][1],
        weight_decay=optimizer["weight_decay"],
        clip_norm=optimizer["clip_norm"],
    )


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CASES[request.param]


@pytest.fixture
def tensors(case: dict[str, Any]) -> dict[str, Tensor]:
    return load_file(GOLDEN / f"{case['name']}.safetensors")


@pytest.fixture
def model(case: dict[str, Any], tensors: dict[str, Tensor]) -> LanguageModel:
    model = LanguageModel(config_of(case))
    model.load_published({k.removeprefix("state."): v for k, v in tensors.items() if k.startswith("state.")})
    return model


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, as a share of the largest recorded value."""
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def test_same_seed_gives_the_published_initial_weights(case: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    torch.manual_seed(case["seed"])
    model = LanguageModel(config_of(case))
    assert model.n_parameters() == case["parameters"]
    for name, parameter in model.named_parameters():
        recorded = tensors[f"state.{name}"]
        if name.endswith(LOGARITHMS):
            torch.testing.assert_close(parameter.detach(), recorded, rtol=LAST_BIT, atol=0.0)
        else:
            assert torch.equal(parameter, recorded), name


def test_forward_and_gradients(case: dict[str, Any], tensors: dict[str, Tensor], model: LanguageModel) -> None:
    logits, loss = model(tensors["input"], tensors["target"])
    loss.backward()
    assert relative_error(logits, tensors["logits"]) < 1e-5
    assert loss.item() == pytest.approx(case["loss"], rel=1e-5)
    # The published code records a gradient for each name of the tied matrix; ours is found under the first.
    recorded = {k.removeprefix("grad.") for k in tensors if k.startswith("grad.")} - {"head.weight"}
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert recorded == ours.keys()
    for name, gradient in ours.items():
        assert relative_error(gradient, tensors[f"grad.{name}"]) < 1e-5, name


def test_training(case: dict[str, Any], tensors: dict[str, Tensor], model: LanguageModel) -> None:
    settings = settings_of(case)
    optimiser = make_optimiser(model, settings)
    for step, batch in enumerate(tensors["train.data"]):
        rate = learning_rate(step, case["steps"], settings)
        assert rate == pytest.approx(case["train_lrs"][step], rel=1e-12, abs=0)
        loss = train_step(model, optimiser, batch, rate, settings, "float32")
        assert loss.item() == pytest.approx(case["train_losses"][step], rel=1e-4)
    model.eval()
    logits, _ = model(tensors["input"])
    assert relative_error(logits, tensors["train.final_logits"]) < 1e-4
