"""Text token by token: the same logits as all at once, and what is drawn from them."""

import dataclasses

import pytest
import torch

from gam import GAMConfig, GatedSlotsConfig, LanguageModel, MambaConfig, ModelConfig, TransformerConfig
from gam.generation import Decoder, generate, likeliest

TRUNK = {"vocab_size": 29, "block_size": 24, "d_model": 16, "n_layer": 2, "dropout": 0.5}
GAM = GAMConfig(**TRUNK, n_slot=8, kernel_size=3)
CONFIGS: dict[str, ModelConfig] = {
    "gam": GAM,
    "gam with a long kernel": dataclasses.replace(GAM, kernel_size=30),
    "gam of one tap": dataclasses.replace(GAM, kernel_size=1),
    "sum fusion": dataclasses.replace(GAM, gate=False),
    "global only": dataclasses.replace(GAM, gate=False, local=False),
    "local only": dataclasses.replace(GAM, gate=False, memory=False),
    "feed-forward alone": dataclasses.replace(GAM, gate=False, local=False, memory=False),
    "transformer": TransformerConfig(**TRUNK, n_head=2),
    "fused transformer": TransformerConfig(**TRUNK, n_head=2, fused=True),
    "mamba": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2),
    "mamba with residual": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2, residual=True),
    "gated slots": GatedSlotsConfig(**TRUNK, n_head=2, n_slot=5),
}


def model_of(name: str) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(CONFIGS[name]).double().eval()


@pytest.mark.parametrize("name", CONFIGS)
def test_one_by_one_the_logits_are_those_of_all_at_once(name: str) -> None:
    model = model_of(name)
    idx = torch.randint(29, (3, 24), generator=torch.Generator().manual_seed(1))
    decoder = Decoder(model)
    ours = torch.stack([decoder.next_logits(each) for each in idx.unbind(dim=1)], dim=1)
    torch.testing.assert_close(ours, model(idx)[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["gam", "mamba", "gated slots"])
def test_what_is_kept_does_not_grow(name: str) -> None:
    """So that a token costs the same at every length; the Transformer's keys grow."""

    def kept(decoder: Decoder) -> int:
        parts = [part for past in decoder.past for part in (past if isinstance(past, tuple) else (past,))]
        return sum(part.numel() for part in parts)

    sizes = {}
    for which in (name, "transformer"):
        decoder = Decoder(model_of(which))
        sizes[which] = []
        for _ in range(12):
            decoder.next_logits(torch.tensor([1]))
            sizes[which].append(kept(decoder))
    assert len(set(sizes[name][3:])) == 1
    assert sizes["transformer"] == [first * sizes["transformer"][0] for first in range(1, 13)]


def tokens(model: LanguageModel, prompt: list[int], n_tokens: int, **settings: float) -> list[int]:
    return [int(idx) for idx in generate(model, torch.tensor([prompt]), n_tokens, **settings)]  # type: ignore[arg-type]


def test_the_likeliest_token_is_taken_at_temperature_zero() -> None:
    model = model_of("gam").train()
    found = tokens(model, [3, 1, 4], 6, temperature=0)
    text = [3, 1, 4]
    for _ in range(6):
        text.append(int(model(torch.tensor([text]))[0][0, -1].argmax()))
    assert found == text[3:]
    assert not model.training


def test_a_seed_gives_the_same_tokens() -> None:
    model = model_of("gam")
    first = tokens(model, [3], 20, seed=7, temperature=2.0)
    assert first == tokens(model, [3], 20, seed=7, temperature=2.0)
    assert first != tokens(model, [3], 20, seed=8, temperature=2.0)


def test_rows_of_a_batch_are_texts_of_their_own() -> None:
    model = model_of("mamba")
    both = torch.tensor([[3, 1], [5, 2]])
    found = torch.stack(list(generate(model, both, 5, temperature=0)), dim=1)
    assert found.tolist() == [tokens(model, row, 5, temperature=0) for row in both.tolist()]


def test_the_unlikely_are_left_out() -> None:
    logits = torch.tensor([[0.1, 0.2, 0.4, 0.3]]).log()

    def left(top_k: int | None, top_p: float | None) -> list[int]:
        return likeliest(logits, top_k, top_p).isfinite().nonzero()[:, 1].tolist()

    assert left(None, None) == left(9, 1.0) == [0, 1, 2, 3]
    assert left(1, None) == [2]
    assert left(2, None) == [2, 3]
    assert left(None, 0.3) == [2]
    assert left(None, 0.41) == [2, 3]
    assert left(None, 0.95) == [0, 1, 2, 3]
    assert left(2, 0.5) == [2]  # 0.4 of the 0.7 that are left
    kept = likeliest(logits, 2, None)
    assert torch.equal(kept[0, 2:], logits[0, 2:])


def test_drawn_as_often_as_likely() -> None:
    """Over many texts of one token, within four standard errors."""
    model = model_of("gam")
    n = 4000
    (drawn,) = generate(model, torch.full((n, 1), 3), 1, seed=0, top_k=3)
    shares = likeliest(model(torch.tensor([[3]]))[0][0, -1:], 3, None).softmax(dim=-1)[0]
    counts = torch.bincount(drawn, minlength=29) / n
    assert ((counts - shares).abs() <= 4 * (shares * (1 - shares) / n).sqrt()).all()
    assert counts[shares == 0].sum() == 0


@pytest.mark.parametrize(
    ("prompt", "settings", "says"),
    [
        ([], {}, "the prompt must have a token at least"),
        ([1] * 20, {}, "prompt and new tokens must be at most block_size = 24, got 25"),
        ([1], {"temperature": -1}, "temperature must be at least 0, got -1"),
        ([1], {"top_k": 0}, "top_k must be at least 1, got 0"),
        ([1], {"top_p": 1.5}, r"top_p must lie in \(0, 1\], got 1.5"),
    ],
)
def test_what_cannot_be(prompt: list[int], settings: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        tokens(model_of("gam"), prompt, 5, **settings)


def test_a_text_ends_with_its_positions() -> None:
    decoder = Decoder(model_of("gam"))
    for _ in range(24):
        decoder.next_logits(torch.tensor([1]))
    with pytest.raises(ValueError, match="at most block_size = 24 tokens"):
        decoder.next_logits(torch.tensor([1]))
