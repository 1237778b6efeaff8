"""Depthwise causal convolution over time. Shapes: B batch, T tokens, D channels, K taps."""

import torch.nn.functional as F
from torch import Tensor


def causal_convolution_reference(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """y[:, t] = bias + sum over k of weight[:, 0, k] * x[:, t - (K - 1) + k], with zeros before the first token.

    `x` (B, T, D), `weight` (D, 1, K) and `bias` (D,) as nn.Conv1d holds them; returns (B, T, D).
    """
    channels, _, taps = weight.shape
    padded = F.pad(x.transpose(1, 2), (taps - 1, 0))
    return F.conv1d(padded, weight, bias, groups=channels).transpose(1, 2)


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same as K shifted products: a depthwise conv1d is slow, on the CPU above all."""
    length, taps = x.shape[1], weight.shape[-1]
    padded = F.pad(x, (0, 0, taps - 1, 0))
    terms = [padded[:, k : k + length] * weight[:, 0, k] for k in range(taps)]
    y = sum(terms[1:], start=terms[0])
    return y if bias is None else y + bias
