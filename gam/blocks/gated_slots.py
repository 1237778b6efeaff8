"""A block whose memory is written: gated slots (arXiv:2409.07146) in place of a fixed memory bank."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gam.blocks.feed_forward import FeedForward
from gam.config import GatedSlotsConfig
from gam.ops.gated_slots import Memory as Past
from gam.ops.gated_slots import gated_slots, gated_slots_step

DAMPING = 8
"""Divides the logarithm of the forget gate: at initialisation a slot keeps 0.5^(1/8) = 0.92 of itself a token."""


class GatedSlotAttention(nn.Module):
    """Per head, slots that each token writes to and reads from; as published, but without a short convolution."""

    def __init__(self, config: GatedSlotsConfig) -> None:
        super().__init__()
        d = config.d_model
        self.n_head = config.n_head
        self.widths = [d, d, d, config.n_head * config.n_slot]
        self.in_proj = nn.Linear(d, sum(self.widths), bias=False)
        self.norm = nn.RMSNorm(d, eps=1e-5)
        self.out_proj = nn.Linear(d, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(gated_slots(*self.inputs(x)), x.dtype)

    def inputs(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys, values and the logarithm of what each slot keeps, as gam.ops.gated_slots takes them."""
        q, k, v, forget = (
            part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in self.in_proj(x).split(self.widths, dim=-1)
        )
        log_forget = F.logsigmoid(forget.to(torch.promote_types(forget.dtype, torch.float32))) / DAMPING
        return F.silu(q), F.silu(k), F.silu(v), log_forget

    def output(self, read: Tensor, dtype: torch.dtype) -> Tensor:
        """(B, T, D) of what was read from the slots."""
        mixed = F.silu(read.transpose(1, 2).flatten(2))
        return self.out_proj(self.norm(mixed.to(dtype)))

    def step(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """`forward` for one more token (B, 1, D), and the memory after it."""
        read, past = gated_slots_step(*self.inputs(x), past)
        return self.output(read, x.dtype), past


class GatedSlotsBlock(nn.Module):
    """x + slots(norm(x)), then x + ffn(norm(x))."""

    def __init__(self, config: GatedSlotsConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.d_model)
        self.slots = GatedSlotAttention(config)
        self.ln_2 = nn.LayerNorm(config.d_model)
        self.ffn = FeedForward(config.d_model, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.slots(self.ln_1(x)).to(x.dtype)
        return x + self.ffn(x, self.ln_2).to(x.dtype)

    def step(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """`forward` for one more token (B, 1, D), and what the next one needs: the memory after this one."""
        mixed, past = self.slots.step(self.ln_1(x), past)
        x = x + mixed.to(x.dtype)
        return x + self.ffn(x, self.ln_2).to(x.dtype), past
