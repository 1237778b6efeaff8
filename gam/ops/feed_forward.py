"""The position-wise network of a normed input. Shapes: N tokens, D d_model, F width of the network."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from gam.ops.autocast import as_factors, no_autocast

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
    more. Compiled, and elsewhere, torch does what it does.
    """
    weights = (scale, shift, into, into_bias, back, back_bias)
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return feed_forward_reference(x, *weights)
    (factor,) = as_factors(x.new_empty(0))
    with no_autocast(x):
        y: Tensor = _InChunks.apply(x.flatten(0, -2), *weights, factor.dtype, torch.is_grad_enabled())
    return y.view(x.shape)


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *others: Any) -> Tensor:
        scale, shift, into, into_bias, back, back_bias, dtype, with_gradients = others
        first, first_bias, second, second_bias = (each.to(dtype) for each in (into, into_bias, back, back_bias))
        y = torch.empty_like(x, dtype=dtype)
        kept = y.new_empty(len(x) if with_gradients else CHUNK, len(into))
        for at in range(0, len(x), CHUNK):
            n = F.layer_norm(x[at : at + CHUNK], scale.shape, scale, shift, EPSILON).to(dtype)
            inner = kept[at : at + CHUNK] if with_gradients else kept[: len(n)]
            torch.addmm(first_bias, n, first.T, out=inner)
            torch.addmm(second_bias, F.gelu(inner), second.T, out=y[at : at + CHUNK])
        if with_gradients:
            ctx.save_for_backward(x, scale, shift, into, back, kept)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, shift, into, back, kept = ctx.saved_tensors
        first, second = into.to(grad.dtype), back.to(grad.dtype)
        grad_x, grad_into, grad_back = torch.empty_like(x), torch.zeros_like(into), torch.zeros_like(back)
        grad_scale, grad_shift, grad_into_bias = (
            torch.zeros_like(scale),
            torch.zeros_like(shift),
            into.new_zeros(len(into)),
        )
        for at in range(0, len(x), CHUNK):
            rows, inner, out = (each[at : at + CHUNK] for each in (x, kept, grad))
            n, mean, rstd = torch.native_layer_norm(rows, scale.shape, scale, shift, EPSILON)
            _add_product(grad_back, out.T, F.gelu(inner))
            grad_inner = out @ second
            torch.ops.aten.gelu_backward(grad_inner, inner, grad_input=grad_inner)
            _add_product(grad_into, grad_inner.T, n.to(grad.dtype))
            grad_into_bias += grad_inner.sum(dim=0, dtype=into.dtype)
            grad_x[at : at + CHUNK], of_scale, of_shift = torch.ops.aten.native_layer_norm_backward(
                (grad_inner @ first).to(x.dtype), rows, scale.shape, mean, rstd, scale, shift, [True, True, True]
            )
            grad_scale += of_scale
            grad_shift += of_shift
        grad_back_bias = grad.sum(dim=0, dtype=back.dtype)
        return grad_x, grad_scale, grad_shift, grad_into, grad_into_bias, grad_back, grad_back_bias, None, None


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """total += left right, where the factors may be of a smaller type."""
    if left.dtype == total.dtype:
        torch.addmm(total, left, right, out=total)  # not addmm_, which torch's counter of operations does not know
    else:
        total += left @ right
