"""Causal attention. Shapes: B batch, H heads, T tokens, K width of a head."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gam.ops.dropout import dropout as drop


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
    """The same in torch's fused kernels, which never hold the weights; its CPU kernel does so without dropout alone."""
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
