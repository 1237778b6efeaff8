"""The position-wise network of a normed input. Shapes: N tokens, D d_model, F width of the network."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 512
"""Tokens at once on the CPU: what one operation writes is in the cache when the next one reads it."""
EPSILON = 1e-5
"""That of the norm, which is torch's own."""


def feed_forward_reference(
    x: Tensor, scale: Tensor, shift: Tensor, into: Tensor, into_bias: Tensor, back: Tensor, back_bias: Tensor
) -> Tensor:
    """GELU(n into^T + into_bias) back^T + back_bias with n the LayerNorm of x; the exact GELU, as published.

    `x` (..., D), `scale` and `shift` (D,) of the norm, `into` (F, D), `into_bias` (F,), `back` (D, F), `back_bias`
    (D,); returns (..., D).
    """
    n = F.layer_norm(x, scale.shape, scale, shift, EPSILON)
    return F.linear(F.gelu(F.linear(n, into, into_bias)), back, back_bias)


def feed_forward(
    x: Tensor, scale: Tensor, shift: Tensor, into: Tensor, into_bias: Tensor, back: Tensor, back_bias: Tensor
) -> Tensor:
    """The same, on the CPU some tokens at a time.

    Beside x, only the F numbers a token before GELU wait for the backward pass, which computes the norm and GELU once
    more. Compiled, elsewhere, and under autocast, whose products are so fast that all else counts, torch does what it
    does.
    """
    weights = (scale, shift, into, into_bias, back, back_bias)
    if x.device.type != "cpu" or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):
        return feed_forward_reference(x, *weights)
    y: Tensor = _InChunks.apply(x.flatten(0, -2), *weights, torch.is_grad_enabled())
    return y.view(x.shape)


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *others: Any) -> Tensor:
        scale, shift, into, into_bias, back, back_bias, with_gradients = others
        y, kept = torch.empty_like(x), x.new_empty(len(x) if with_gradients else CHUNK, len(into))
        for at in range(0, len(x), CHUNK):
            n = F.layer_norm(x[at : at + CHUNK], scale.shape, scale, shift, EPSILON)
            inner = kept[at : at + CHUNK] if with_gradients else kept[: len(n)]
            torch.addmm(into_bias, n, into.T, out=inner)
            torch.addmm(back_bias, F.gelu(inner), back.T, out=y[at : at + CHUNK])
        if with_gradients:
            ctx.save_for_backward(x, scale, shift, into, back, kept)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, shift, into, back, kept = ctx.saved_tensors
        grad_x, grad_into, grad_back = torch.empty_like(x), torch.zeros_like(into), torch.zeros_like(back)
        grad_scale, grad_shift = torch.zeros_like(scale), torch.zeros_like(shift)
        grad_into_bias = into.new_zeros(len(into))
        for at in range(0, len(x), CHUNK):
            rows, inner, out = (each[at : at + CHUNK] for each in (x, kept, grad))
            n, mean, rstd = torch.native_layer_norm(rows, scale.shape, scale, shift, EPSILON)
            # By addmm, and not by addmm_, which torch's counter of operations does not know.
            torch.addmm(grad_back, out.T, F.gelu(inner), out=grad_back)
            grad_inner = out @ back
            torch.ops.aten.gelu_backward(grad_inner, inner, grad_input=grad_inner)
            torch.addmm(grad_into, grad_inner.T, n, out=grad_into)
            grad_into_bias += grad_inner.sum(dim=0)
            grad_x[at : at + CHUNK], of_scale, of_shift = torch.ops.aten.native_layer_norm_backward(
                grad_inner @ into, rows, scale.shape, mean, rstd, scale, shift, [True, True, True]
            )
            grad_scale += of_scale
            grad_shift += of_shift
        return grad_x, grad_scale, grad_shift, grad_into, grad_into_bias, grad_back, grad.sum(dim=0), None
