"""What context is worth, to models of which one knows what they see."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gam import GAMConfig, LanguageModel, ModelConfig, TransformerConfig
from pipeline.evaluation import context
from pipeline.evaluation.context import context_losses, position_losses

TRUNK: dict[str, Any] = {"vocab_size": 31, "block_size": 24, "d_model": 16, "n_layer": 2, "dropout": 0.1}


def gam(**changes: Any) -> GAMConfig:
    return GAMConfig(**TRUNK | {"n_slot": 8, "kernel_size": 3} | changes)


def build(config: ModelConfig) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(config)


def random_blocks(config: ModelConfig, count: int) -> np.ndarray:
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (count, config.block_size + 1))
    return ids.astype(np.uint16)


@torch.no_grad()
def loss_by_hand(model: LanguageModel, given: np.ndarray, target: int) -> float:
    """Of the token after `given`, alone in its batch."""
    logits, _ = model.eval()(torch.tensor(given[None].astype(np.int64)))
    return F.cross_entropy(logits[0, -1], torch.tensor(int(target))).item()


@pytest.mark.parametrize("config", [gam(), TransformerConfig(**TRUNK, n_head=4)])
def test_by_hand(config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token by token; in batches of which the last is smaller."""
    monkeypatch.setattr(context, "BATCH_TOKENS", 50)
    model, blocks = build(config).train(), random_blocks(config, 5)
    expected = [np.mean([loss_by_hand(model, row[: at + 1], row[at + 1]) for row in blocks]) for at in range(24)]
    assert position_losses(model, blocks) == pytest.approx(expected, rel=1e-5)
    found = context_losses(model, blocks)
    lengths = [1, 2, 4, 5, 8, 16] if isinstance(config, GAMConfig) else [1, 2, 4, 8, 16]
    assert [at.tokens for at in found] == lengths
    expected = [np.mean([loss_by_hand(model, row[24 - k : 24], row[24]) for row in blocks]) for k in lengths]
    assert [at.loss for at in found] == pytest.approx(expected, rel=1e-5)


def test_a_model_that_sees_some_tokens() -> None:
    """Without positions, more than the reach changes nothing, and less does."""
    model = build(gam(init="normal", init_std=0.2))
    model.pos_embedding.weight.data.zero_()
    losses = {at.tokens: at.loss for at in context_losses(model, random_blocks(model.config, 40))}
    assert losses[8] == pytest.approx(losses[5], abs=1e-6)
    assert losses[16] == pytest.approx(losses[5], abs=1e-6)
    assert abs(losses[4] - losses[5]) > 1e-3


def test_what_it_is_given_starts_at_position_0() -> None:
    """Of a model that knows its position alone: k tokens are scored at position k - 1."""
    model = build(gam(gate=False, local=False))
    model.token_embedding.weight.data[7:].zero_()
    blocks = np.full((3, 25), 8, np.uint16)
    blocks[:, -1] = 2
    at_target = [loss_by_hand(model, blocks[0, : at + 1], 2) for at in range(24)]
    assert len(set(np.round(at_target, 6))) == 24
    found = context_losses(model, blocks)
    assert [at.loss for at in found] == pytest.approx([at_target[at.tokens - 1] for at in found], rel=1e-5)


@pytest.mark.parametrize(
    ("config", "lengths"),
    [
        (gam(block_size=4), [1, 2]),
        (gam(block_size=5), [1, 2, 4]),
        (gam(block_size=6), [1, 2, 4, 5]),
        (gam(n_layer=1, kernel_size=8), [1, 2, 4, 8, 16]),
        (gam(gate=False, local=False), [1, 2, 4, 8, 16]),
        (gam(gate=False, memory=False), [1, 2, 4, 5, 8, 16]),
    ],
)
def test_lengths(config: GAMConfig, lengths: list[int]) -> None:
    assert [at.tokens for at in context_losses(build(config), random_blocks(config, 2))] == lengths
