"""What a GAM block adds to its input: a gated sum of a causal convolution and a look-up (arXiv:2509.00605, section 3).

Shapes: B batch, T tokens, D channels, K taps. With x the block's input, n its norm, r what was looked up, c the
causal convolution of n, and g the gates' logits without their bias e:

    h = x + sigmoid(g_local + e_local) * c + sigmoid(g_global + e_global) * r

`x`, `n` and `retrieved` are (B, T, D), `logits` (B, T, 2 D) and `gate_bias` (2 D,) with the local half first, `weight`
(D, 1, K) and `bias` (D,) as nn.Conv1d holds them. h has the shape and type of x.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gam.ops.causal_convolution import causal_convolution_reference


def gated_mix_reference(
    x: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """The definition, in the type that the factors have."""
    local, memory = torch.sigmoid(logits + gate_bias.to(logits.dtype)).chunk(2, dim=-1)
    convolved = causal_convolution_reference(n, weight.to(n.dtype), bias.to(n.dtype))
    return x + (local * convolved + memory * retrieved).to(x.dtype)


def gated_mix(
    x: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """The same in one Triton kernel, and its gradients in another that reads and writes every tensor once.

    Computed in float32 whatever the types. Deterministic: sums over tokens are made in parts, in an order that depends
    on sizes alone. On CUDA, or on a CPU under TRITON_INTERPRET=1.
    """
    h: Tensor = _GatedMix.apply(x, n, logits, gate_bias, retrieved, weight, bias)
    return h


class _GatedMix(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *others: Tensor) -> Tensor:
        from gam.ops.gated_mix_kernels import launch_forward  # Triton comes with torch's wheels for CUDA alone

        others = tuple(tensor.contiguous() for tensor in others)
        ctx.save_for_backward(*others)
        return launch_forward(x.contiguous(), *others)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        from gam.ops.gated_mix_kernels import launch_backward

        return (grad, *launch_backward(grad.contiguous(), *ctx.saved_tensors))
