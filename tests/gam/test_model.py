"""Properties of the models: size, causality, reach, and what they refuse."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gam import GAMConfig, GatedSlotsConfig, LanguageModel, MambaConfig, ModelConfig, TransformerConfig
from pipeline.base.paths import HOUSE
from pipeline.params.schema import load_params

TRUNK: dict[str, Any] = {"vocab_size": 31, "block_size": 40, "d_model": 16, "n_layer": 2, "dropout": 0.0}
GAM: dict[str, Any] = TRUNK | {"n_slot": 8, "kernel_size": 3}
CONFIGS: dict[str, ModelConfig] = {
    "transformer": TransformerConfig(**TRUNK, n_head=4),
    "transformer-fused": TransformerConfig(**TRUNK, n_head=4, fused=True),
    "mamba": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2),
    "mamba-residual": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2, residual=True),
    "gated-slots": GatedSlotsConfig(**TRUNK, n_head=4, n_slot=8),
    "gam": GAMConfig(**GAM),
    "gam-sum-fusion": GAMConfig(**GAM, gate=False),
    "gam-global-only": GAMConfig(**GAM, gate=False, local=False),
    "gam-local-only": GAMConfig(**GAM, gate=False, memory=False),
    "ffn-only": GAMConfig(**GAM, gate=False, local=False, memory=False),
    "gam-sum-fusion-wide": GAMConfig(**GAM, gate=False, ffn_width=72),
}
PAPER_PARAMETERS = {
    "gam": 22_599_680,
    "transformer": 24_166_400,
    "mamba": 20_504_576,
    "gam-sum-fusion": 19_447_808,
    "gam-global-only": 19_435_520,
    "gam-local-only": 17_874_944,
}


@pytest.mark.parametrize("name", PAPER_PARAMETERS)
def test_paper_size(name: str) -> None:
    entry = load_params(HOUSE / "params.yaml").models[name]
    with torch.device("meta"):
        model = LanguageModel(entry.config(vocab_size=10_000))
    assert model.n_parameters() == PAPER_PARAMETERS[name]


def test_parameters_of_the_feed_forward_network() -> None:
    """Its width costs two matrices and a bias; alone, it has neither paths nor their norm, and all of it is trained."""
    counts = {name: LanguageModel(config).n_parameters() for name, config in CONFIGS.items()}
    assert counts["gam-sum-fusion-wide"] - counts["gam-sum-fusion"] == 2 * (72 - 64) * (16 + 16 + 1)
    model = LanguageModel(CONFIGS["ffn-only"])
    shapes = {name.removeprefix("blocks.0."): tuple(p.shape) for name, p in model.blocks[0].named_parameters()}
    assert shapes == {
        "ffn.0.weight": (64, 16),
        "ffn.0.bias": (64,),
        "ffn.2.weight": (16, 64),
        "ffn.2.bias": (16,),
        "ln2.weight": (16,),
        "ln2.bias": (16,),
    }
    idx = torch.randint(31, (2, 9))
    model.loss(idx, idx).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def input_gradients(config: ModelConfig, position: int) -> Tensor:
    """How strongly the logits at `position` depend on each input token: gradient norms, (T,), in float64."""
    torch.manual_seed(0)
    model = LanguageModel(config).double().eval()
    embedded: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    model.token_embedding.register_forward_hook(keep)
    logits, _ = model(torch.randint(config.vocab_size, (1, config.block_size)))
    logits[0, position].square().sum().backward()
    gradient = embedded[0].grad
    assert gradient is not None
    return gradient[0].norm(dim=-1)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("position", [0, 17, 39])
def test_causality(name: str, position: int) -> None:
    gradients = input_gradients(CONFIGS[name], position)
    assert torch.all(gradients[position + 1 :] == 0)
    assert gradients[position] > 0


@pytest.mark.parametrize(
    ("name", "reach"),
    [("gam", 5), ("gam-sum-fusion", 5), ("gam-local-only", 5), ("gam-global-only", 1), ("ffn-only", 1)],
)
def test_gam_sees_only_as_far_as_its_convolutions(name: str, reach: int) -> None:
    seen = input_gradients(CONFIGS[name], 39) > 0
    assert seen.sum() == reach
    assert torch.all(seen[40 - reach :])


@pytest.mark.parametrize("name", ["transformer", "mamba", "mamba-residual", "gated-slots"])
def test_the_others_see_everything(name: str) -> None:
    assert torch.all(input_gradients(CONFIGS[name], 39) > 0)


@pytest.mark.parametrize("name", CONFIGS)
def test_dropout_is_off_in_evaluation_and_on_in_training(name: str) -> None:
    config = type(CONFIGS[name])(**vars(CONFIGS[name]) | {"dropout": 0.5})
    model, idx = LanguageModel(config), torch.randint(31, (2, 9))
    assert not torch.equal(model(idx)[0], model(idx)[0])
    model.eval()
    assert torch.equal(model(idx)[0], model(idx)[0])


def test_too_long_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match="block_size = 40 tokens, got 41"):
        LanguageModel(CONFIGS["gam"])(torch.zeros(1, 41, dtype=torch.long))


@pytest.mark.parametrize(
    ("config", "fields", "message"),
    [
        (GAMConfig, GAM | {"d_model": 0}, "d_model must be an integer of at least 1, got 0"),
        (GAMConfig, GAM | {"n_slot": -4}, "n_slot must be"),
        (GAMConfig, GAM | {"n_layer": 1.5}, "n_layer must be"),
        (GAMConfig, GAM | {"kernel_size": True}, "kernel_size must be"),
        (GAMConfig, GAM | {"block_size": 1}, "block_size must be at least 2"),
        (GAMConfig, GAM | {"dropout": 1.0}, r"dropout must lie in \[0, 1\)"),
        (GAMConfig, GAM | {"memory": False}, "gate must be false unless"),
        (GAMConfig, GAM | {"memory": False, "local": False}, "gate must be false unless"),
        (GAMConfig, GAM | {"ffn_width": 63}, "ffn_width must be at least 4 \\* d_model = 64, got 63"),
        (GAMConfig, GAM | {"ffn_width": 64.0}, "ffn_width must be an integer"),
        (GAMConfig, GAM | {"init": "xavier"}, "init must be published or normal, got 'xavier'"),
        (GAMConfig, GAM | {"init": "normal"}, r"init_std must lie in \(0, 1\] where init is normal, got None"),
        (GAMConfig, GAM | {"init": "normal", "init_std": 0}, "init_std must lie"),
        (GAMConfig, GAM | {"init_std": 0.02}, "init_std must be left out where init is published, got 0.02"),
        (GAMConfig, GAM | {"dropout": "0.1"}, r"dropout must lie in \[0, 1\), got '0.1'"),
        (GAMConfig, GAM | {"gate": "no"}, "gate must be true or false, got 'no'"),
        (TransformerConfig, TRUNK | {"n_head": 3}, "n_head must divide d_model = 16, got 3"),
        (GatedSlotsConfig, TRUNK | {"n_head": 3, "n_slot": 8}, "n_head must divide d_model = 16, got 3"),
        (GatedSlotsConfig, TRUNK | {"n_head": 4, "n_slot": 0}, "n_slot must be"),
        (MambaConfig, TRUNK | {"d_state": 0, "d_conv": 4, "expand": 2}, "d_state must be"),
    ],
)
def test_bad_configuration(config: type[ModelConfig], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**fields)


def test_weights_move_both_ways() -> None:
    ours, other = LanguageModel(CONFIGS["gam"]), LanguageModel(CONFIGS["gam"])
    other.load_published(ours.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), other.parameters(), strict=True))
    assert other.head.weight is other.token_embedding.weight


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ln_f.bias": None}, "ln_f.bias is missing"),
        ({"extra": torch.zeros(1)}, "extra is in the weights but not"),
        ({"ln_f.bias": torch.zeros(3)}, r"ln_f.bias has shape \(16,\) in this configuration, \(3,\)"),
        ({"head.weight": torch.zeros(31, 16)}, "must be the same matrix"),
        ({"head.weight": None, "token_embedding.weight": None}, "token_embedding.weight is missing"),
    ],
)
def test_weights_of_another_model_are_refused(change: dict[str, Tensor | None], message: str) -> None:
    model = LanguageModel(CONFIGS["gam"])
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    state = {name: torch.ones_like(value) for name, value in model.state_dict().items()} | change
    with pytest.raises(ValueError, match=message):
        model.load_published({name: value for name, value in state.items() if value is not None})
    assert all(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())
