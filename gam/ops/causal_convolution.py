"""Depthwise causal convolution over time. Shapes: B batch, T tokens, D channels, K taps."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def causal_convolution_reference(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """y[:, t] = bias + sum over k of weight[:, 0, k] * x[:, t - (K - 1) + k], with zeros before the first token.

    `x` (B, T, D), `weight` (D, 1, K) and `bias` (D,) as nn.Conv1d holds them; returns (B, T, D).
    """
    channels, _, taps = weight.shape
    padded = F.pad(x.transpose(1, 2), (taps - 1, 0))
    return F.conv1d(padded, weight, bias, groups=channels).transpose(1, 2)


def causal_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same as K fused multiply-adds of shifted rows, in place: a depthwise conv1d is slow, on the CPU above all."""
    y: Tensor = _ShiftedProducts.apply(x, weight, bias)
    return y


def gated_causal_convolution(x: Tensor, gate: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """gate * causal_convolution(x, weight, bias), for a gate (B, T, D).

    The convolution does not wait for the backward pass, which computes it once more; not so under autocast, whose
    products are so fast that all else counts.
    """
    if x.dtype != weight.dtype:
        return gate * causal_convolution(x, weight, bias)
    y: Tensor = _Gated.apply(x, gate, weight, bias)
    return y


class _ShiftedProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _convolve(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _gradients(grad, *ctx.saved_tensors)


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gate: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, gate, weight, bias)
        return _convolve(x, weight, bias).mul_(gate)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, gate, weight, bias = ctx.saved_tensors
        grad_gate = _convolve(x, weight, bias).mul_(grad)
        grad_x, grad_weight, grad_bias = _gradients(grad * gate, x, weight)
        return grad_x, grad_gate, grad_weight, grad_bias


def _convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    taps = _taps(weight, x.dtype)
    y = torch.addcmul(bias.to(x.dtype), x, taps[-1])
    for back, tap in _shifts(taps, x.shape[1]):
        y[:, back:].addcmul_(x[:, :-back], tap)
    return y


def _gradients(grad: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of x, of the weight and of the bias."""
    taps = _taps(weight, x.dtype)
    grad_x = grad * taps[-1]
    grad_weight = torch.zeros_like(weight)
    grad_weight[:, 0, -1] = (grad * x).sum(dim=(0, 1), dtype=weight.dtype)
    for back, tap in _shifts(taps, x.shape[1]):
        grad_x[:, :-back].addcmul_(grad[:, back:], tap)
        grad_weight[:, 0, -1 - back] = (grad[:, back:] * x[:, :-back]).sum(dim=(0, 1), dtype=weight.dtype)
    return grad_x, grad_weight, grad.sum(dim=(0, 1), dtype=weight.dtype)


def _taps(weight: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The taps in the type of the input, each contiguous: strided ones make elementwise work several times slower."""
    return weight[:, 0].T.to(dtype).contiguous().unbind()


def _shifts(taps: tuple[Tensor, ...], length: int) -> list[tuple[int, Tensor]]:
    """How far each tap but the last looks back, and the tap, as far as there are so many tokens."""
    return [(back, tap) for back, tap in enumerate(reversed(taps[:-1]), start=1) if back < length]
