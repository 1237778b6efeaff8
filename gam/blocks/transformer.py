"""The Transformer block that the paper compares with: pre-norm, learned positions outside."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gam.blocks.feed_forward import FeedForward
from gam.config import TransformerConfig
from gam.ops.attention import causal_attention_fused, causal_attention_reference
from gam.ops.dropout import Dropout

Past = tuple[Tensor, Tensor]
"""Keys and values of the tokens so far, each (B, H, T, D / H)."""


class CausalSelfAttention(nn.Module):
    """Multi-head attention, dropout on the weights and on the output."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.d_model, 3 * config.d_model)
        self.c_proj = nn.Linear(config.d_model, config.d_model)
        self.fused = config.fused
        self.attn_dropout = config.dropout
        self.resid_dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.heads(x)
        attention = causal_attention_fused if self.fused else causal_attention_reference
        mixed = attention(q, k, v, self.attn_dropout if self.training else 0.0)
        return self.resid_dropout(self.c_proj(mixed.transpose(1, 2).reshape(x.shape)))

    def heads(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values, each (B, H, T, D / H)."""
        batch, length, width = x.shape
        heads = (batch, length, self.n_head, width // self.n_head)
        return tuple(part.view(heads).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=-1))

    def step(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """`forward` for one more token (B, 1, D), without dropout; and the keys and values of all so far."""
        q, *new = self.heads(x)
        k, v = new if past is None else (torch.cat(pair, dim=2) for pair in zip(past, new, strict=True))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.c_proj(mixed.transpose(1, 2).reshape(x.shape)), (k, v)


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + ffn(norm(x))."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.d_model)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.d_model)
        self.ffn = FeedForward(config.d_model, config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x)).to(x.dtype)
        return x + self.ffn(x, self.ln_2).to(x.dtype)

    def step(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """`forward` for one more token (B, 1, D), and what the next one needs: keys and values of all so far."""
        mixed, past = self.attn.step(self.ln_1(x), past)
        x = x + mixed.to(x.dtype)
        return x + self.ffn(x, self.ln_2).to(x.dtype), past
