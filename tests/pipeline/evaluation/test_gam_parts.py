"""What gates weigh and how a look-up spreads, from the blocks' own weights and from planted ones."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gam import GAMConfig, LanguageModel, MambaConfig, TransformerConfig
from gam.blocks.gam import GAMBlock
from pipeline.evaluation import gam_parts
from pipeline.evaluation.gam_parts import path_use, slot_use
from pipeline.evaluation.probes import CONTENT, FUNCTION, GATE_BLOCKS, gate_preferences

TRUNK: dict[str, Any] = {"vocab_size": 31, "block_size": 6, "d_model": 16, "n_layer": 2, "dropout": 0.1}


def gam(**changes: Any) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(GAMConfig(**TRUNK | {"n_slot": 8, "kernel_size": 3} | changes))


def some_blocks(count: int, block_size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Random ids and classes."""
    random = np.random.default_rng(0)
    shape = count, block_size + 1
    return random.integers(0, 31, shape).astype(np.uint16), random.integers(0, 3, shape)


def test_paths_by_hand() -> None:
    """The paths are those of the published formula, written out; the last blocks are not looked at."""
    model = gam()
    blocks, classes = some_blocks(GATE_BLOCKS + 3)
    found = path_use(model.train(), blocks, classes)
    seen = classes[:GATE_BLOCKS, :-1]
    x = model.token_embedding(torch.from_numpy(blocks[:GATE_BLOCKS, :-1].astype(np.int64))) + model.pos_embedding.weight
    for block, layer in zip(model.eval().blocks, found, strict=True):
        assert isinstance(block, GAMBlock)
        with torch.no_grad():
            n = block.ln1(x)
            taps, bias = block.causal_conv.weight, block.causal_conv.bias
            local = F.conv1d(F.pad(n.transpose(1, 2), (2, 0)), taps, bias, groups=16).transpose(1, 2)
            memory = (n @ block.memory_bank.T).softmax(-1) @ block.memory_bank
            gates = torch.sigmoid(n @ block.gate.weight.T + block.gate.bias)
            x = block(x)
        for use, path, gate in ((layer.local, local, gates[..., :16]), (layer.memory, memory, gates[..., 16:])):
            for kind, at_words in ((FUNCTION, use.function_words), (CONTENT, use.content_words)):
                chosen = torch.from_numpy(seen == kind)
                assert at_words.gate == pytest.approx(gate[chosen].mean().item(), rel=1e-5)
                assert at_words.ungated_norm == pytest.approx(path[chosen].norm(dim=-1).mean().item(), rel=1e-5)
                weighed = (gate * path)[chosen].norm(dim=-1).mean().item()
                assert at_words.gated_norm == pytest.approx(weighed, rel=1e-5)


def test_gates_are_those_that_are_judged() -> None:
    model, (blocks, classes) = gam(), some_blocks(GATE_BLOCKS + 3)
    judged = gate_preferences(model, blocks, classes, batch_size=50)
    for layer, gates in zip(path_use(model, blocks, classes), judged, strict=True):
        for kind in ("function_words", "content_words"):
            local, memory = getattr(layer.local, kind).gate, getattr(layer.memory, kind).gate
            assert local - memory == pytest.approx(getattr(gates, kind), abs=1e-6)


def test_without_gates_or_words() -> None:
    blocks, classes = some_blocks(4)
    assert path_use(gam(), blocks, np.full_like(classes, CONTENT)) == []
    for config in (
        TransformerConfig(**TRUNK, n_head=4),
        MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2),
        gam(gate=False).config,
    ):
        assert path_use(LanguageModel(config), blocks, classes) == []


def test_slots_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gam_parts, "SLOT_BLOCKS", 19)
    monkeypatch.setattr(gam_parts, "BATCH_BLOCKS", 4)
    model, (blocks, _) = gam(gate=False, init="normal", init_std=0.5), some_blocks(21)
    found = slot_use(model.train(), blocks)
    x = model.token_embedding(torch.from_numpy(blocks[:19, :-1].astype(np.int64))) + model.pos_embedding.weight
    for block, layer in zip(model.eval().blocks, found, strict=True):
        assert isinstance(block, GAMBlock)
        with torch.no_grad():
            weights = (block.ln1(x) @ block.memory_bank.T).softmax(-1).double().reshape(-1, 8)
            x = block(x)
        mean = weights.mean(0)
        assert layer.slots == 8
        assert layer.entropy == pytest.approx(-(weights * weights.log()).sum(1).mean().item(), rel=1e-5)
        assert layer.entropy_of_mean == pytest.approx(-(mean * mean.log()).sum().item(), rel=1e-5)
        assert layer.dead == (mean < 0.1 / 8).sum().item()
        assert layer.entropy < layer.entropy_of_mean < math.log(8)


@pytest.mark.parametrize(
    ("bank", "entropy", "of_mean", "dead"),
    [
        (torch.zeros(8, 16), math.log(8), math.log(8), 0),
        # What a norm gives sums to zero and has a square of 16: it takes slot 0 or slot 1, by its sign, and no other.
        (torch.cat([torch.eye(2).repeat(1, 8) * 100, torch.full((6, 16), -100.0)]), 0.0, math.log(2), 6),
    ],
)
def test_planted_slots(bank: torch.Tensor, entropy: float, of_mean: float, dead: int) -> None:
    """Half of the tokens have an embedding along one direction, half along the other."""
    model = gam(n_layer=1, gate=False)
    direction = torch.tensor([1.0, -1.0]).repeat(8)
    blocks = np.tile(np.array([0, 1, 0, 1, 0, 1, 0], np.uint16), (3, 1))
    model.token_embedding.weight.data[0] = direction
    model.token_embedding.weight.data[1] = -direction
    model.pos_embedding.weight.data.zero_()
    model.blocks[0].memory_bank.data = bank  # type: ignore[union-attr]
    (layer,) = slot_use(model, blocks)
    assert (layer.entropy, layer.entropy_of_mean) == pytest.approx((entropy, of_mean), abs=1e-5)
    assert layer.dead == dead


def test_without_a_bank() -> None:
    blocks, _ = some_blocks(2)
    assert slot_use(gam(gate=False, memory=False), blocks) == []
    assert slot_use(LanguageModel(TransformerConfig(**TRUNK, n_head=4)), blocks) == []


def test_probes_leave_the_model_as_it_was() -> None:
    model, (blocks, classes) = gam(), some_blocks(2)
    path_use(model, blocks, classes)
    slot_use(model, blocks)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
