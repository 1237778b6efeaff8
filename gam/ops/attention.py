"""Causal attention. Shapes: B batch, H heads, N = B x H, T tokens, K width of a head."""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from gam.ops.autocast import as_factors, no_autocast
from gam.ops.dropout import draw_bits, kept, scale
from gam.ops.dropout import dropout as drop

ROWS = 128
"""Queries that are weighed at once on the CPU: the weights of what lies ahead of all of them are never computed."""
AT_ONCE = 2**18
"""Weights that are computed at once, of as many heads as that makes: so many stay in a core's cache meanwhile."""


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

    On the CPU these have no dropout: with it, the weights are computed ROWS queries of some heads at a time, and kept.
    """
    if q.device.type == "cpu" and dropout > 0:
        q, k, v = as_factors(q, k, v)
        with no_autocast(q):
            mixed: Tensor = _ByRows.apply(*(part.flatten(0, 1) for part in (q, k, v)), dropout)
        return mixed.view(q.shape)
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)


class _ByRows(torch.autograd.Function):
    """For `q`, `k`, `v` (N, T, K). Of a weight its value and 16 random bits wait for the backward pass."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, dropout: float) -> Tensor:
        length, width = q.shape[1:]
        future = torch.full((length, length), float("-inf"), dtype=q.dtype).triu(diagonal=1)
        mixed, saved = torch.empty_like(q), []
        for rows, seen in _rows(length):
            shape = (len(q), rows.stop - rows.start, seen.stop)
            bits, weights = draw_bits(shape), q.new_empty(shape)
            for some in _heads(shape):
                keys = k[some, seen].mT
                scores = torch.baddbmm(future[rows, seen], q[some, rows], keys, alpha=1 / math.sqrt(width))
                torch.softmax(scores, dim=-1, out=weights[some])
                left = kept(bits[some], dropout, q.dtype).mul_(weights[some])
                mixed[some, rows] = left @ v[some, seen]
            saved += [bits, weights]
        ctx.save_for_backward(q, k, v, *saved)
        ctx.dropout = dropout
        return mixed.mul_(scale(dropout))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, *saved = ctx.saved_tensors
        length, width = q.shape[1:]
        grad = grad * scale(ctx.dropout)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (rows, seen), bits, weights in zip(_rows(length), saved[::2], saved[1::2], strict=True):
            for some in _heads(weights.shape):
                is_kept, out = kept(bits[some], ctx.dropout, q.dtype), grad[some, rows]
                _add_products(grad_v[some, seen], (weights[some] * is_kept).mT, out, 1.0)
                grad_weights = (out @ v[some, seen].mT).mul_(is_kept)
                grad_scores = torch._softmax_backward_data(grad_weights, weights[some], -1, q.dtype)
                grad_q[some, rows] = grad_scores @ k[some, seen]
                _add_products(grad_k[some, seen], grad_scores.mT, q[some, rows], 1 / math.sqrt(width))
        return grad_q.mul_(1 / math.sqrt(width)), grad_k, grad_v, None


def _add_products(total: Tensor, left: Tensor, right: Tensor, factor: float) -> None:
    """total += factor left right. Not by baddbmm_, which torch's counter of operations does not know."""
    torch.baddbmm(total, left, right, alpha=factor, out=total)


def _rows(length: int) -> Iterator[tuple[slice, slice]]:
    """Queries, and the keys that at least one of them may see."""
    for at in range(0, length, ROWS):
        stop = min(at + ROWS, length)
        yield slice(at, stop), slice(0, stop)


def _heads(shape: tuple[int, ...]) -> Iterator[slice]:
    """Heads whose weights, of this shape for all heads together, are computed at once."""
    heads, rows, seen = shape
    step = max(1, AT_ONCE // (rows * seen))
    return (slice(at, at + step) for at in range(0, heads, step))
