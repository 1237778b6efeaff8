"""Text from a model, token by token.

Each block keeps what the next token needs of those before it (its `step`): GAM the last rows of its convolution, Mamba
and gated slots a state, so that a token costs the same however long the text is; the Transformer all keys and values.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gam.model import LanguageModel


class Decoder:
    """A model that is given one token at a time, for B texts side by side."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.past: list[Any] = [None] * len(model.blocks)
        self.position = 0

    @torch.no_grad()
    def next_logits(self, idx: Tensor) -> Tensor:
        """The logits (B, V) of the token after `idx` (B,): the last row of those of all tokens so far, in evaluation.

        Raises ValueError past block_size tokens: there is no position vector for more.
        """
        model = self.model
        if self.position == model.config.block_size:
            raise ValueError(f"a text has at most block_size = {model.config.block_size} tokens")
        x = (model.token_embedding(idx) + model.pos_embedding.weight[self.position])[:, None]
        for at, block in enumerate(model.blocks):
            step: Any = block.step
            x, self.past[at] = step(x, self.past[at])
        self.position += 1
        logits: Tensor = model.head(model.ln_f(x[:, 0]))
        return logits


def generate(
    model: LanguageModel,
    prompt: Tensor,
    n_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Iterator[Tensor]:
    """The next tokens (B,) after a prompt (B, T) of token ids, n_tokens of them, one after another.

    `temperature` divides the logits; at 0 the likeliest token is taken. `top_k` leaves that many of the likeliest;
    `top_p` the fewest likeliest that together have that probability. With a `seed` the same tokens come each time on
    one device. The model is put into evaluation.

    Raises ValueError for an empty prompt, for one that is too long for the tokens asked for, and for a setting that is
    out of its range.
    """
    longest = model.config.block_size
    _require(prompt.ndim == 2 and prompt.shape[1] > 0, "the prompt must have a token at least")
    _require(n_tokens >= 0, f"n_tokens must be at least 0, got {n_tokens}")
    total = prompt.shape[1] + n_tokens
    _require(total <= longest, f"prompt and new tokens must be at most block_size = {longest}, got {total}")
    _require(temperature >= 0, f"temperature must be at least 0, got {temperature:g}")
    _require(top_k is None or top_k >= 1, f"top_k must be at least 1, got {top_k}")
    _require(top_p is None or 0 < top_p <= 1, f"top_p must lie in (0, 1], got {top_p}")
    return _tokens(model.eval(), prompt, n_tokens, temperature, top_k, top_p, seed)


def _tokens(
    model: LanguageModel,
    prompt: Tensor,
    n_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int | None,
) -> Iterator[Tensor]:
    decoder, generator = Decoder(model), None
    if seed is not None:
        generator = torch.Generator(prompt.device).manual_seed(seed)
    for idx in prompt.unbind(dim=1)[:-1]:
        decoder.next_logits(idx)
    idx = prompt[:, -1]
    for _ in range(n_tokens):
        logits = decoder.next_logits(idx)
        if temperature == 0:
            idx = logits.argmax(dim=-1)
        else:
            probabilities = likeliest(logits / temperature, top_k, top_p).softmax(dim=-1)
            idx = torch.multinomial(probabilities, 1, generator=generator)[:, 0]
        yield idx


def likeliest(logits: Tensor, top_k: int | None, top_p: float | None) -> Tensor:
    """The logits (B, V), with -inf for those that are left out; first by top_k, then by top_p of what is left."""
    if top_k is not None and top_k < logits.shape[-1]:
        least = logits.topk(top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    if top_p is not None and top_p < 1:
        ranked, order = logits.sort(dim=-1, descending=True, stable=True)
        shares = ranked.softmax(dim=-1)
        before = shares.cumsum(dim=-1) - shares  # what the likelier ones have together
        ranked = ranked.masked_fill(before >= top_p, float("-inf"))
        logits = torch.empty_like(logits).scatter_(-1, order, ranked)
    return logits


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
