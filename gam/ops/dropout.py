"""Dropout."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LANES = 4
"""Elements that share one draw of 64 bits."""
STEPS = 2**16
"""Values of the 16 bits that each gets."""


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
    return x * kept(draw_bits(x.shape), p, x.dtype).mul_(scale(p))


def draw_bits(shape: Sequence[int]) -> Tensor:
    """16 random bits for each element, as int16, from torch's generator for the CPU."""
    size = torch.Size(shape).numel()
    draws = torch.empty(-(-size // LANES), dtype=torch.int64).random_(-(2**63), None)
    return draws.view(torch.int16)[:size].view(shape)


def kept(bits: Tensor, p: float, dtype: torch.dtype) -> Tensor:
    """1 where the bits say that an element is kept, else 0, as numbers: from booleans they would take twice as long."""
    return torch.ge(bits, _dropped(p) - STEPS // 2, out=torch.empty(bits.shape, dtype=dtype))


def scale(p: float) -> float:
    """What those that are kept are multiplied by, so that the sum stays what it was on average."""
    return STEPS / (STEPS - _dropped(p))


def _dropped(p: float) -> int:
    """How many of the values of 16 bits drop an element."""
    return min(round(p * STEPS), STEPS - 1)


class Dropout(nn.Module):
    """`dropout` in training, nothing in evaluation."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training and self.p > 0 else x
