"""Cross entropy of a linear head. Shapes: N tokens, D d_model, V vocabulary."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from gam.ops.autocast import as_factors, no_autocast

CHUNK = 1024
"""Tokens scored at once: of the logits no more than (CHUNK, V) is ever held."""


def linear_cross_entropy_reference(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Mean over tokens of -log softmax(x weight^T)[target], in nats.

    `x` (N, D), `weight` (V, D), `targets` (N,) int64; returns a scalar.
    """
    return F.cross_entropy(x @ weight.T, targets)


def linear_cross_entropy(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The same, some tokens at a time, in float32 from the logits on.

    The gradients are made in the forward pass, while a chunk's logits are at hand: three products in all, as many as
    the definition makes, without logits that wait for the backward pass. Without gradients, under no_grad, one.
    """
    (x,) = as_factors(x)
    with no_autocast(x):
        loss: Tensor = _LinearCrossEntropy.apply(x, weight, targets, torch.is_grad_enabled())
    return loss


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, with_gradients: bool) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        needed = with_gradients and any(ctx.needs_input_grad)  # of which autograd says yes under no_grad too
        head = weight.to(x.dtype)
        loss = torch.zeros((), dtype=wide, device=x.device)
        grad_x = torch.empty_like(x) if needed else None
        grad_weight = torch.zeros_like(weight, dtype=wide) if needed else None
        for at in range(0, len(x), CHUNK):
            rows, chosen = x[at : at + CHUNK], targets[at : at + CHUNK, None]
            log_shares = (rows @ head.T).to(wide).log_softmax(dim=1)
            loss -= log_shares.gather(1, chosen).sum()
            if grad_x is None or grad_weight is None:
                continue
            # The gradient of the sum: softmax - 1 at the target.
            grad = log_shares.exp_()
            grad.scatter_(1, chosen, grad.gather(1, chosen) - 1)
            narrow = grad.to(x.dtype)
            torch.mm(narrow, head, out=grad_x[at : at + CHUNK])
            if narrow.dtype == wide:
                grad_weight.addmm_(narrow.T, rows)
            else:
                grad_weight += narrow.T @ rows
        ctx.save_for_backward(grad_x, grad_weight)
        return loss / len(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_x, grad_weight = ctx.saved_tensors
        scale = grad_loss / len(grad_x)
        return grad_x * scale, grad_weight * scale, None, None
