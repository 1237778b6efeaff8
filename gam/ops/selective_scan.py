"""The selective scan of Mamba-1 (arXiv:2312.00752, section 3.2 and algorithm 2).

For every channel d and state n, with h = 0 before the first token:

    h[t] = exp(dt[t] * a) * h[t - 1] + dt[t] * b[t] * u[t]
    y[t] = sum over n of c[t] * h[t]

Shapes: B batch, T tokens, D channels, N states; u and dt (B, T, D), a (D, N), b and c (B, T, N), y (B, T, D).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gam.ops.autocast import no_autocast

CHUNK = 8
"""Tokens scanned at once: the largest tensor is (CHUNK, B, N, D), whatever T is."""


def selective_scan_reference(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The definition, one token after another."""
    h = u.new_zeros(u.shape[0], *a.shape)
    ys = []
    for t in range(u.shape[1]):
        decay = torch.exp(dt[:, t, :, None] * a)
        h = decay * h + (dt[:, t] * u[:, t])[:, :, None] * b[:, t, None, :]
        ys.append((h * c[:, t, None, :]).sum(dim=-1))
    return torch.stack(ys, dim=1)


def selective_scan(u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The same, chunk by chunk: elementwise work in one go, one fused multiply-add per token.

    Keeps the state at chunk borders alone and recomputes the rest in the backward pass. Half-precision input is
    scanned in float32 and y comes back in the type of u.
    """
    wide = torch.promote_types(u.dtype, torch.float32)
    with no_autocast(u):
        y: Tensor = _ChunkedScan.apply(*(tensor.to(wide) for tensor in (u, dt, a, b, c)))
    return y.to(u.dtype)


def _states(h: Tensor, dt: Tensor, a: Tensor, b: Tensor, written: Tensor) -> tuple[Tensor, Tensor]:
    """Decays and states of one chunk, both (C, B, N, D), from the state `h` (B, N, D) before it; `written` is dt * u.

    Time leads, and channels lie side by side: there are many of them and few states, so elementwise work on (D, N)
    would go in steps of N numbers.
    """
    decays = torch.exp(dt[:, :, None] * a)
    states = written[:, :, None] * b[..., None]
    for t in range(len(states)):
        states[t].addcmul_(decays[t], h)
        h = states[t]
    return decays, states


def _sum(weights: Tensor, over: Tensor) -> Tensor:
    """Sum over states, (C, B, D), from (C, B, N) and (C, B, N, D)."""
    return torch.matmul(weights[:, :, None], over).squeeze(-2)


class _ChunkedScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        u, dt, b, c = (tensor.transpose(0, 1).contiguous() for tensor in (u, dt, b, c))
        a = a.T.contiguous()
        written = dt * u
        h = u.new_zeros(u.shape[1], *a.shape)
        borders, ys = [], []
        for at in range(0, len(u), CHUNK):
            part = slice(at, at + CHUNK)
            borders.append(h)
            _, states = _states(h, dt[part], a, b[part], written[part])
            h = states[-1].clone()
            ys.append(_sum(c[part], states))
        ctx.save_for_backward(u, dt, a, b, c, *borders)
        return torch.cat(ys).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, ...]:
        u, dt, a, b, c, *borders = ctx.saved_tensors
        grad_y = grad_y.transpose(0, 1).contiguous()
        written = dt * u
        grad_u, grad_dt, grad_b, grad_c = (torch.empty_like(tensor) for tensor in (u, dt, b, c))
        grad_a = torch.zeros_like(a)
        carry = torch.zeros_like(borders[0])  # gradient that reaches a chunk's last state from the chunk after it
        for at in reversed(range(0, len(u), CHUNK)):
            part = slice(at, at + CHUNK)
            border = borders[at // CHUNK]
            decays, states = _states(border, dt[part], a, b[part], written[part])
            grad_c[part] = torch.matmul(states, grad_y[part, :, :, None]).squeeze(-1)
            grads = grad_y[part, :, None] * c[part, :, :, None]
            grads[-1].add_(carry)
            for t in reversed(range(len(grads) - 1)):
                grads[t].addcmul_(decays[t + 1], grads[t + 1])
            grad_b[part] = torch.matmul(grads, written[part, :, :, None]).squeeze(-1)
            grad_written = _sum(b[part], grads)
            grad_u[part] = grad_written * dt[part]
            # d decay / d (dt a) is the decay itself: `through` becomes the gradient of dt a.
            through = decays.mul_(grads)
            carry = through[0].clone()
            through[0].mul_(border)
            through[1:].mul_(states[:-1])
            grad_dt[part] = grad_written * u[part] + (through * a).sum(dim=-2)
            grad_a += through.mul_(dt[part, :, None]).sum(dim=(0, 1))
        return (
            *(grad.transpose(0, 1) for grad in (grad_u, grad_dt)),
            grad_a.T,
            *(grad.transpose(0, 1) for grad in (grad_b, grad_c)),
        )
