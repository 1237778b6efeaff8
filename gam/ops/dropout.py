"""Dropout."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LANES = 4
"""Elements that share one draw of 64 bits."""


def dropout_reference(x: Tensor, p: float) -> Tensor:
    """Each element zero with probability p, else divided by 1 - p."""
    return F.dropout(x, p)


def dropout(x: Tensor, p: float) -> Tensor:
    """The same with p rounded to a multiple of 2^-16, 16 random bits for each element.

    On the CPU torch draws one element after another, on one thread: a seventh of a paper-size training step. One draw
    of 64 bits serves four elements. Elsewhere torch's own kernels draw in parallel.
    """
    if x.device.type != "cpu":
        return dropout_reference(x, p)
    threshold = min(round(p * 2**16), 2**16 - 1)
    draws = torch.empty(-(-x.numel() // LANES), dtype=torch.int64).random_(-(2**63), None)
    bits = draws.view(torch.int16)[: x.numel()].view(x.shape)
    kept = (bits >= threshold - 2**15).to(x.dtype)
    return x * kept.mul_(2**16 / (2**16 - threshold))


class Dropout(nn.Module):
    """`dropout` in training, nothing in evaluation."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training and self.p > 0 else x
