"""The Gated Associative Memory block (arXiv:2509.00605, section 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gam.blocks.feed_forward import FeedForward
from gam.config import GAMConfig
from gam.ops.autocast import as_factors
from gam.ops.causal_convolution import causal_convolution, gated_causal_convolution
from gam.ops.gated_mix import gated_mix
from gam.ops.memory_retrieval import memory_retrieval


class GAMBlock(nn.Module):
    """x + gated sum of a causal convolution and a memory look-up, then a feed-forward network.

    The memory bank is the same for every input: the look-up changes each token by itself, and the convolution
    alone carries information from one token to another. With neither path the feed-forward network is all there is.
    """

    causal_conv: nn.Conv1d | None
    memory_bank: nn.Parameter | None
    gate: nn.Linear | None
    ln1: nn.LayerNorm | None

    def __init__(self, config: GAMConfig) -> None:
        super().__init__()
        d = config.d_model
        # nn.Conv1d holds and initialises the taps; the operation itself is gam.ops.causal_convolution.
        self.causal_conv = nn.Conv1d(d, d, config.kernel_size, groups=d) if config.local else None
        # Xavier overwrites the normal draw, which stays so that one seed gives the published initial weights.
        self.memory_bank = nn.Parameter(torch.randn(config.n_slot, d)) if config.memory else None
        if self.memory_bank is not None:
            nn.init.xavier_uniform_(self.memory_bank)
        self.gate = nn.Linear(d, 2 * d) if config.gate else None
        self.fused_mix = bool(config.fused_mix)
        self.ffn = FeedForward(d, config.dropout, config.ffn_width)
        self.ln1 = nn.LayerNorm(d) if config.local or config.memory else None
        self.ln2 = nn.LayerNorm(d)

    def forward(self, x: Tensor) -> Tensor:
        if self.ln1 is not None:
            n = self.ln1(x)
            x = self.add_mix(x, n) if self.fused_mix and x.is_cuda else x + self.mix(n).to(x.dtype)
        return x + self.ffn(x, self.ln2).to(x.dtype)

    def step(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """`forward` for one more token (B, 1, D), and what the next one needs: the normed tokens that the convolution
        still sees, at most K - 1. So a token costs the same however long the text is."""
        if self.ln1 is not None:
            n = self.ln1(x)
            seen = n if past is None else torch.cat([past, n], dim=1)
            x = x + self.mix(seen)[:, -1:].to(x.dtype)
            taps = self.causal_conv.kernel_size[0] if self.causal_conv is not None else 1
            past = seen[:, max(0, seen.shape[1] - taps + 1) :]
        return x + self.ffn(x, self.ln2).to(x.dtype), past

    def mix(self, n: Tensor) -> Tensor:
        """The sum of the paths for a normed input."""
        (n,) = as_factors(n)
        if self.gate is None:
            paths = self.path_outputs(n)
            return sum(paths[1:], start=paths[0])
        assert self.memory_bank is not None
        assert self.causal_conv is not None
        assert self.causal_conv.bias is not None
        local_gate, memory_gate = self.gates(n)
        local = gated_causal_convolution(n, local_gate, self.causal_conv.weight, self.causal_conv.bias)
        return torch.addcmul(local, memory_gate, memory_retrieval(n, self.memory_bank))

    def add_mix(self, x: Tensor, n: Tensor) -> Tensor:
        """x + mix(n), by gam.ops.gated_mix."""
        assert self.gate is not None
        assert self.memory_bank is not None
        assert self.causal_conv is not None
        assert self.causal_conv.bias is not None
        (n,) = as_factors(n)
        logits, retrieved = F.linear(n, self.gate.weight), memory_retrieval(n, self.memory_bank)
        return gated_mix(x, n, logits, self.gate.bias, retrieved, self.causal_conv.weight, self.causal_conv.bias)

    def path_outputs(self, n: Tensor) -> list[Tensor]:
        """What the paths that there are give for a normed input, ungated, the local one first."""
        paths = []
        if self.causal_conv is not None:
            assert self.causal_conv.bias is not None
            paths.append(causal_convolution(n, self.causal_conv.weight, self.causal_conv.bias))
        if self.memory_bank is not None:
            paths.append(memory_retrieval(n, self.memory_bank))
        return paths

    def gates(self, n: Tensor) -> tuple[Tensor, ...]:
        """What weighs each of them, for a block that has a gate."""
        assert self.gate is not None
        return torch.sigmoid(self.gate(n)).chunk(2, dim=-1)
