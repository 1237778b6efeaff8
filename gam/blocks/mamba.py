"""The Mamba-1 mixer (arXiv:2312.00752) under the parameter names of `mamba_ssm.Mamba`."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gam.config import MambaConfig
from gam.ops.causal_convolution import causal_convolution
from gam.ops.mamba_kernels import fused_mixer, have_kernels
from gam.ops.selective_scan import selective_scan

DT_MIN, DT_MAX, DT_FLOOR = 1e-3, 1e-1, 1e-4
"""Range of the step size at initialisation, before the floor (mamba-ssm's defaults)."""
Past = tuple[Tensor, Tensor]
"""The last inputs of the convolution, and the state of the scan."""


class MambaBlock(nn.Module):
    """One mixer; with `config.residual` inside x + mixer(norm(x)).

    On CUDA with mamba-ssm installed that package's fused kernels compute it, elsewhere torch does.
    """

    norm: nn.RMSNorm | None

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        d_inner = config.expand * config.d_model
        self.d_state = config.d_state
        self.dt_rank = math.ceil(config.d_model / 16)
        self.in_proj = nn.Linear(config.d_model, 2 * d_inner, bias=False)
        self.conv1d = nn.Conv1d(d_inner, d_inner, config.d_conv, groups=d_inner)
        self.x_proj = nn.Linear(d_inner, self.dt_rank + 2 * config.d_state, bias=False)
        self.dt_proj = nn.Linear(self.dt_rank, d_inner)
        self._initialise_step_size()
        self.A_log = nn.Parameter(torch.arange(1.0, config.d_state + 1).log().repeat(d_inner, 1))
        self.D = nn.Parameter(torch.ones(d_inner))
        self.out_proj = nn.Linear(d_inner, config.d_model, bias=False)
        self.norm = nn.RMSNorm(config.d_model, eps=1e-5) if config.residual else None

    @torch.no_grad()
    def _initialise_step_size(self) -> None:
        """Weights that keep the variance, and a bias whose softplus is log-uniform in [DT_MIN, DT_MAX]."""
        bound = self.dt_rank**-0.5
        nn.init.uniform_(self.dt_proj.weight, -bound, bound)
        log_dt = torch.rand_like(self.dt_proj.bias) * (math.log(DT_MAX) - math.log(DT_MIN)) + math.log(DT_MIN)
        dt = log_dt.exp().clamp(min=DT_FLOOR)
        self.dt_proj.bias.copy_(dt + torch.log(-torch.expm1(-dt)))

    def forward(self, x: Tensor) -> Tensor:
        if self.norm is None:
            return self.mix(x)
        return x + self.mix(self.norm(x))

    def step(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        """`forward` for one more token (B, 1, D), and what the next one needs: the last inputs of the convolution, at
        most d_conv - 1, and the state of the scan (B, d_inner, N)."""
        u, z = self.in_proj(x if self.norm is None else self.norm(x)).chunk(2, dim=-1)
        seen = u if past is None else torch.cat([past[0], u], dim=1)
        u, dt, a, b, c = self.scan_inputs(seen)
        u, dt, b, c = (each[:, -1] for each in (u, dt, b, c))
        state = (dt * u)[:, :, None] * b[:, None]
        if past is not None:
            state = state + torch.exp(dt[:, :, None] * a) * past[1]
        y = (state @ c[:, :, None]).squeeze(-1) + self.D * u
        y = self.out_proj(y[:, None] * F.silu(z))
        taps = self.conv1d.kernel_size[0]
        return y if self.norm is None else x + y, (seen[:, max(0, seen.shape[1] - taps + 1) :], state)

    def mix(self, x: Tensor) -> Tensor:
        if x.is_cuda and have_kernels():
            return fused_mixer(x, self)
        u, z = self.in_proj(x).chunk(2, dim=-1)
        u, *others = self.scan_inputs(u)
        y = selective_scan(u, *others) + self.D * u
        return self.out_proj(y * F.silu(z))

    def scan_inputs(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """u after the convolution, and what else its scan takes: (u, dt, a, b, c)."""
        assert self.conv1d.bias is not None
        u = F.silu(causal_convolution(u, self.conv1d.weight, self.conv1d.bias))
        dt, b, c = self.x_proj(u).split([self.dt_rank, self.d_state, self.d_state], dim=-1)
        return u, F.softplus(self.dt_proj(dt)), -torch.exp(self.A_log), b, c
