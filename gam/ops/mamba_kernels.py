"""mamba-ssm's CUDA kernels, where that package is installed."""

from functools import cache
from importlib.util import find_spec
from typing import Protocol

import torch
from torch import Tensor, nn


class Mixer(Protocol):
    """The layers and parameters of a mixer that the kernels read, under the names of `mamba_ssm.Mamba`."""

    in_proj: nn.Linear
    conv1d: nn.Conv1d
    x_proj: nn.Linear
    dt_proj: nn.Linear
    out_proj: nn.Linear
    A_log: nn.Parameter
    D: nn.Parameter


@cache
def have_kernels() -> bool:
    """Whether mamba-ssm and the convolution kernels it calls are installed."""
    return find_spec("mamba_ssm") is not None and find_spec("causal_conv1d") is not None


def tokens_last(x: Tensor, weight: Tensor) -> Tensor:
    """x weight^T as the kernels read it: (B, D, T) with tokens side by side in memory, for x (B, T, d_model).

    Another order would be copied first, which `mamba_ssm.Mamba` does not do either.
    """
    return (weight @ x.flatten(0, 1).T).unflatten(1, x.shape[:2]).transpose(0, 1)


def fused_mixer(x: Tensor, mixer: Mixer) -> Tensor:
    """The mixer in mamba-ssm's fused kernels, as `mamba_ssm.Mamba` calls them: (B, T, d_model) on CUDA, as is `x`."""
    from mamba_ssm.ops.selective_scan_interface import mamba_inner_fn

    out: Tensor = mamba_inner_fn(
        tokens_last(x, mixer.in_proj.weight),
        mixer.conv1d.weight,
        mixer.conv1d.bias,
        mixer.x_proj.weight,
        mixer.dt_proj.weight,
        mixer.out_proj.weight,
        None,
        -torch.exp(mixer.A_log.float()),
        D=mixer.D.float(),
        delta_bias=mixer.dt_proj.bias.float(),
        delta_softplus=True,
    )
    return out
