"""mamba-ssm's fused kernels against our own scan under the same weights."""

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gam import MambaConfig
from gam.blocks.mamba import MambaBlock
from gam.ops.causal_convolution import causal_convolution_reference
from gam.ops.mamba_kernels import fused_mixer, have_kernels
from gam.ops.selective_scan import selective_scan_reference

CONFIG = MambaConfig(vocab_size=31, block_size=40, d_model=16, n_layer=1, dropout=0.0, d_state=8, d_conv=4, expand=2)
needs_kernels = pytest.mark.skipif(
    not (torch.cuda.is_available() and have_kernels()), reason="needs a CUDA device, mamba-ssm and causal-conv1d"
)


@needs_kernels
def test_kernels_compute_what_torch_computes() -> None:
    torch.manual_seed(0)
    plain = MambaBlock(CONFIG)
    fused = MambaBlock(CONFIG).cuda()
    fused.load_state_dict(plain.state_dict())
    x = torch.randn(2, 37, 16)
    y, expected = fused(x.cuda()), plain(x)
    torch.testing.assert_close(y.cpu(), expected, rtol=1e-3, atol=1e-4)
    weights = torch.randn_like(expected)
    (y * weights.cuda()).sum().backward()
    (expected * weights).sum().backward()
    for (name, ours), theirs in zip(fused.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad.cpu(), theirs.grad, rtol=1e-2, atol=1e-3, msg=name)


def plain_inner(
    xz: Tensor,
    conv1d_weight: Tensor,
    conv1d_bias: Tensor,
    x_proj_weight: Tensor,
    delta_proj_weight: Tensor,
    out_proj_weight: Tensor,
    out_proj_bias: None,
    A: Tensor,  # noqa: N803  # the package's names
    D: Tensor,  # noqa: N803
    delta_bias: Tensor,
    delta_softplus: bool,
) -> Tensor:
    """What mamba-ssm's interface documents of `mamba_inner_fn`: channels before time, softplus inside."""
    assert delta_softplus
    assert out_proj_bias is None
    assert xz.stride(-1) == 1, "the kernels would copy it"
    u, z = xz.transpose(1, 2).chunk(2, dim=-1)
    u = F.silu(causal_convolution_reference(u, conv1d_weight, conv1d_bias))
    rank, state = delta_proj_weight.shape[1], A.shape[1]
    dt, b, c = (u @ x_proj_weight.T).split([rank, state, state], dim=-1)
    dt = F.softplus(dt @ delta_proj_weight.T + delta_bias)
    return ((selective_scan_reference(u, dt, A, b, c) + D * u) * F.silu(z)) @ out_proj_weight.T


def test_kernels_are_called_with_the_right_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everywhere, with a stand-in for the kernels: the arguments and their layout, not the kernels themselves."""
    interface: Any = ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.mamba_inner_fn = plain_inner
    for name in ("mamba_ssm", "mamba_ssm.ops"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    torch.manual_seed(0)
    block = MambaBlock(CONFIG).double()
    x = torch.randn(2, 37, 16).double()
    # The package is given A and D in float32, as its own module does.
    torch.testing.assert_close(fused_mixer(x, block), block(x), rtol=1e-5, atol=1e-6)
