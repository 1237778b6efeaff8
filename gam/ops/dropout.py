"""Dropout."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LANES = 4
"""Elements that share one draw of 64 bits."""
STEPS = 2**16
"""Values of the 16 bits that each gets."""
_rows: tuple[slice, int] | None = None
"""What `rows_of` was given."""


def dropout_reference(x: Tensor, p: float) -> Tensor:
    """Each element zero with probability p, else divided by 1 - p."""
    return F.dropout(x, p)


def dropout(x: Tensor, p: float) -> Tensor:
    """The same with p rounded to a multiple of 2^-16, 16 random bits for each element.

    On the CPU torch draws one element after another, on one thread: a seventh of a paper-size training step. One draw
    of 64 bits serves four elements. Elsewhere torch's own kernels draw in parallel.
    """
    if x.device.type != "cpu":
        return dropout_reference(x, p) if _rows is None else dropout_of_rows(x, p)
    y: Tensor = _DropOut.apply(x, p)
    return y


class _DropOut(torch.autograd.Function):
    """Of an element its 16 bits wait for the backward pass, half as much as a mask of numbers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, p: float) -> Tensor:
        bits = draw_bits(x.shape)
        ctx.save_for_backward(bits)
        ctx.p = p
        return kept(bits, p, x.dtype).mul_(x).mul_(scale(p))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (bits,) = ctx.saved_tensors
        return kept(bits, ctx.p, grad.dtype).mul_(grad).mul_(scale(ctx.p)), None


@contextmanager
def rows_of(batch: int, rows: slice) -> Iterator[None]:
    """While the block runs, what is dropped out are these rows of a batch of so many.

    Masks are drawn for the whole batch, and its rows taken. So several processes that share a batch have the masks that
    one process would have, and the generator of each ends where that one's would. The first dimension of a tensor is
    its rows; or, in attention, the heads of its rows.
    """
    global _rows
    before, _rows = _rows, (rows, batch)
    try:
        yield
    finally:
        _rows = before


def dropout_of_rows(x: Tensor, p: float) -> Tensor:
    """`dropout_reference` within `rows_of`: what it makes of these rows of the whole batch."""
    batch, rows = _in_batch(x.shape)
    _, keeps = torch.native_dropout(x.new_ones(batch), p, True)
    return x * keeps[rows].clone() * (1 / (1 - p))


def _in_batch(shape: Sequence[int]) -> tuple[torch.Size, slice]:
    """Within `rows_of`, the shape of the whole batch, and where in it a part of this shape stands."""
    assert _rows is not None
    (rows, batch), (first, *others) = _rows, shape
    each = first // (rows.stop - rows.start)
    return torch.Size([batch * each, *others]), slice(rows.start * each, rows.stop * each)


def draw_bits(shape: Sequence[int]) -> Tensor:
    """16 random bits for each element, as int16, from torch's generator for the CPU."""
    if _rows is None:
        return _draw(shape)
    batch, rows = _in_batch(shape)
    return _draw(batch)[rows].clone()  # which does not hold what the others get


def _draw(shape: Sequence[int]) -> Tensor:
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
