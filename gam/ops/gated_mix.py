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
    h: Tensor = _forward(x, n, logits, gate_bias, retrieved, weight, bias)
    return h


# Operations of torch's own, into which torch.compile does not look: it finds no kernels of ours inside them.


@torch.library.custom_op("gam::gated_mix", mutates_args=())
def _forward(
    x: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    from gam.ops.gated_mix_kernels import launch_forward  # Triton comes with torch's wheels for CUDA alone

    return launch_forward(*(each.contiguous() for each in (x, n, logits, gate_bias, retrieved, weight, bias)))


@_forward.register_fake
def _(x: Tensor, *_: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)


@torch.library.custom_op("gam::gated_mix_backward", mutates_args=())
def _backward(
    grad: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of all but x, whose is `grad` itself."""
    from gam.ops.gated_mix_kernels import launch_backward

    return launch_backward(*(each.contiguous() for each in (grad, n, logits, gate_bias, retrieved, weight, bias)))


@_backward.register_fake
def _(_: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    return tuple(torch.empty_like(each, memory_format=torch.contiguous_format) for each in others)


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001  # torch hands it in
    ctx.save_for_backward(*inputs[1:])


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
    return (grad, *_backward(grad, *ctx.saved_tensors))


_forward.register_autograd(_gradients, setup_context=_keep)
