"""Causal attention. Shapes: B batch, H heads, T tokens, K width of a head."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gam.ops.autocast import as_factors, no_autocast
from gam.ops.dropout import dropout as drop

ROWS = 128
"""Queries that are weighed at once on the CPU: the weights of what lies ahead of all of them are never computed."""


def causal_attention_reference(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    """softmax(q k^T / sqrt(K)) v with the future masked: T x T weights in memory, dropped out, as published.

    `q`, `k`, `v` and the result are (B, H, T, K); `dropout` is 0 in evaluation.
    """
    length, width = q.shape[-2:]
    scores = q @ k.transpose(-2, -1) / math.sqrt(width)
    future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(diagonal=1)
    weights = scores.masked_fill(future, float("-inf")).softmax(dim=-1)
    return drop(weights, dropout) @ v


def causal_attention_fused(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    """The same in torch's fused kernels, which never hold the weights.

    On the CPU these have no dropout: with it, the weights are computed and kept ROWS queries at a time.
    """
    if q.device.type == "cpu" and dropout > 0:
        q, k, v = as_factors(q, k, v)
        return _by_rows(q, k, v, dropout)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)


def _by_rows(q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
    shape, length, width = q.shape, q.shape[-2], q.shape[-1]
    q, k, v = (part.reshape(-1, length, width) for part in (q, k, v))
    future = torch.full((length, length), float("-inf"), dtype=q.dtype).triu(diagonal=1)
    mixed = []
    with no_autocast(q):
        for at in range(0, length, ROWS):
            rows, seen = slice(at, at + ROWS), slice(0, min(at + ROWS, length))
            scores = torch.baddbmm(future[rows, seen], q[:, rows], k[:, seen].mT, alpha=1 / math.sqrt(width))
            mixed.append(drop(scores.softmax(dim=-1), dropout) @ v[:, seen])
    return torch.cat(mixed, dim=1).view(shape)
