"""The probes of trained weights: reach, word classes, and what gates prefer."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from gam import GAMConfig, LanguageModel, MambaConfig, ModelConfig, TransformerConfig
from gam.blocks.gam import GAMBlock
from pipeline.data.tokens import cut_blocks
from pipeline.evaluation import probes
from pipeline.evaluation.function_words import BY_KIND, FUNCTION_WORDS
from pipeline.evaluation.probes import (
    CONTENT,
    FUNCTION,
    GATE_BLOCKS,
    NEITHER,
    classes_of_blocks,
    gate_preferences,
    reach_by_change,
    reach_by_gradient,
    word_classes,
)
from pipeline.tokenise import UNKNOWN, WordEncoder, train_tokenizer
from tests.conftest import tokens_of

TRUNK: dict[str, Any] = {"vocab_size": 31, "block_size": 24, "d_model": 16, "n_layer": 2, "dropout": 0.1}


def gam(**changes: Any) -> GAMConfig:
    return GAMConfig(**TRUNK | {"n_slot": 8, "kernel_size": 3} | changes)


def build(config: ModelConfig) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(config)


def random_blocks(config: ModelConfig, count: int) -> np.ndarray:
    ids = np.random.default_rng(0).integers(0, config.vocab_size, (count, config.block_size + 1))
    return ids.astype(np.uint16)


@pytest.mark.parametrize(
    ("config", "reach"),
    [
        (gam(), 5),
        (gam(n_layer=1), 3),
        (gam(n_layer=3, kernel_size=4), 10),
        (gam(kernel_size=1), 1),
        (gam(n_layer=3, kernel_size=20), 24),
        (gam(gate=False), 5),
        (gam(gate=False, memory=False), 5),
        (gam(gate=False, local=False), 1),
        # Large enough for matrix products on several threads.
        (gam(vocab_size=900, block_size=150, d_model=96, n_slot=70, n_layer=6), 13),
        (TransformerConfig(**TRUNK, n_head=4), 24),
        (TransformerConfig(**TRUNK, n_head=4, fused=True), 24),
        (MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2), 24),
        (MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2, residual=True), 24),
    ],
)
def test_reach(config: ModelConfig, reach: int) -> None:
    model, blocks = build(config), random_blocks(config, 9)
    assert reach_by_gradient(model, blocks) == reach
    assert reach_by_change(model, blocks) == reach


def test_reach_is_that_of_the_weights_and_not_of_the_configuration() -> None:
    model = build(gam(n_layer=3))
    for block in model.blocks:
        assert isinstance(block, GAMBlock)
        assert block.causal_conv is not None
        block.causal_conv.weight.data[:, :, 0] = 0.0
    blocks = random_blocks(model.config, 2)
    assert reach_by_gradient(model, blocks) == reach_by_change(model, blocks) == 4  # 3 layers of 2 taps


def test_reach_of_a_model_that_uses_nothing() -> None:
    model = build(gam())
    model.head.weight.data.zero_()
    blocks = random_blocks(model.config, 2)
    assert reach_by_gradient(model, blocks) == reach_by_change(model, blocks) == 1


def test_probes_leave_the_model_as_it_was() -> None:
    model = build(gam())
    blocks = random_blocks(model.config, 2)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    reach_by_gradient(model, blocks)
    reach_by_change(model, blocks)
    gate_preferences(model, blocks, blocks % 3, 4)
    for name, parameter in model.named_parameters():
        assert parameter.grad is None
        assert torch.equal(parameter, before[name])
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


WORDS = {
    "The": FUNCTION,
    "cat": CONTENT,
    "'s": FUNCTION,
    "s": CONTENT,
    "Tim's": CONTENT,
    "don't": FUNCTION,
    "Don’t": FUNCTION,
    "won't": FUNCTION,
    "didn": FUNCTION,
    "'t": FUNCTION,
    "n't": FUNCTION,
    "SHE'LL": FUNCTION,
    "o'clock": CONTENT,
    "“And": FUNCTION,
    "'the'": FUNCTION,
    '"it,"': FUNCTION,
    "cat!": CONTENT,
    "co-pilot": CONTENT,
    "I": FUNCTION,
    "3": NEITHER,
    "1,000": NEITHER,
    "3rd": CONTENT,
    "@-@": NEITHER,
    "...": NEITHER,
    "<unk>": NEITHER,
    "(<unk>)": NEITHER,
    "café": CONTENT,
    UNKNOWN: NEITHER,
}


@pytest.mark.parametrize("vocab_size", [60, 400])
def test_word_classes(vocab_size: int) -> None:
    tokenizer = train_tokenizer(iter([" ".join(WORDS)]), vocab_size)
    words = WORDS | {"theß": NEITHER}  # a letter that the tokenizer does not know
    ids, starts = WordEncoder(tokenizer).encode([" ".join(words), *reversed(words)])
    assert tokenizer.token_to_id(UNKNOWN) in ids
    expected = [
        words[word] if any(map(str.isalnum, token)) else NEITHER
        for word in [*words, *reversed(words)]
        for token in tokenizer.encode(word).tokens
    ]
    classes = word_classes(ids, starts, tokenizer)
    assert classes.dtype == np.uint8
    assert classes.tolist() == expected
    assert len(word_classes(ids[:0], starts[:0], tokenizer)) == 0


@pytest.mark.usefixtures("tokenised")
def test_classes_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all tokens, of which only the first are looked at, wherever in a word the last of them lies."""
    tokens = tokens_of("stories")
    tokenizer = Tokenizer.from_str(tokens.tokenizer())
    of_all = word_classes(tokens.ids("validation"), tokens.word_starts("validation"), tokenizer)
    cut = 0
    for blocks in range(1, 30):
        monkeypatch.setattr(probes, "GATE_BLOCKS", blocks)
        np.testing.assert_array_equal(classes_of_blocks(tokens, 32), of_all[: blocks * 33].reshape(blocks, 33))
        cut += not tokens.word_starts("validation")[blocks * 33]
    assert cut > 5, "blocks hardly end within words"
    monkeypatch.setattr(probes, "GATE_BLOCKS", 10**6)
    np.testing.assert_array_equal(classes_of_blocks(tokens, 32), cut_blocks(of_all, 32))


def test_function_words() -> None:
    listed = [word for words in BY_KIND.values() for word in words.split()]
    assert len(listed) == len(FUNCTION_WORDS)  # none twice
    assert all(word == word.lower() and word.isascii() for word in listed)


def test_gates_by_hand() -> None:
    """Token by token, from the block's own weights."""
    config = gam(block_size=5)
    model = build(config)
    blocks = random_blocks(config, GATE_BLOCKS + 3)  # of which the last are not looked at
    classes = np.random.default_rng(1).integers(0, 3, blocks.shape)
    found = gate_preferences(model, blocks, classes, batch_size=50)
    model.eval()
    x = model.token_embedding(torch.from_numpy(blocks[:GATE_BLOCKS, :-1].astype(np.int64))) + model.pos_embedding.weight
    with torch.no_grad():
        for block, gates in zip(model.blocks, found, strict=True):
            assert isinstance(block, GAMBlock)
            assert block.gate is not None
            n = F.layer_norm(x, (16,), block.ln1.weight, block.ln1.bias)
            values = torch.sigmoid(n @ block.gate.weight.T + block.gate.bias)
            of_class: dict[int, list[float]] = {NEITHER: [], FUNCTION: [], CONTENT: []}
            for row in range(GATE_BLOCKS):
                for at in range(5):
                    value = values[row, at]
                    of_class[classes[row, at]].append((value[:16].mean() - value[16:].mean()).item())
            assert gates.function_words == pytest.approx(np.mean(of_class[FUNCTION]), abs=1e-6)
            assert gates.content_words == pytest.approx(np.mean(of_class[CONTENT]), abs=1e-6)
            assert abs(gates.function_words - gates.content_words) > 1e-5
            x = block(x)


def test_planted_gates() -> None:
    """Embeddings along one direction, gates that read it: function tokens go local, content tokens global."""
    model = build(gam(n_layer=1))
    direction = torch.tensor([1.0, -1.0]).repeat(8)
    is_function = torch.arange(31) < 10
    model.token_embedding.weight.data = torch.where(is_function, 1.0, -1.0)[:, None] * direction
    model.pos_embedding.weight.data.zero_()
    block = model.blocks[0]
    assert isinstance(block, GAMBlock)
    assert block.gate is not None
    block.gate.weight.data = torch.cat([direction.repeat(16, 1), -direction.repeat(16, 1)])
    blocks = random_blocks(model.config, 4)
    classes = np.where(blocks < 10, FUNCTION, CONTENT)
    (gates,) = gate_preferences(model, blocks, classes, batch_size=3)
    assert gates.function_words > 0.99
    assert gates.content_words < -0.99


def test_nothing_to_say_about_gates() -> None:
    model = build(gam())
    blocks = random_blocks(model.config, 4)
    assert gate_preferences(model, blocks, np.full_like(blocks, CONTENT), 2) == []  # no function word
    for config in (gam(gate=False), TransformerConfig(**TRUNK, n_head=4)):
        assert gate_preferences(build(config), blocks, blocks % 3, 2) == []
