"""Triton kernels of the gated mix; gam.ops.gated_mix says what they compute.

Rows are tokens of all sequences, one after another; a tile is ROWS of them by COLUMNS channels. Neighbours in time are
read again, from the cache, for the convolution and for its gradient.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS, COLUMNS = 8, 64
"""Larger tiles spill registers in the backward pass."""
TILES = 32
"""Tiles that one program of the backward pass goes through: so many partial sums of gradients are made in it."""
PARTS = 64
"""Partial sums that are added up at once."""
BIASES = 3
"""Beside a sum for each tap: of the convolution's bias, and of the two halves of the gates'."""


@triton.jit
def _tile(first_row, n_rows, column, n_columns, rows: tl.constexpr):
    """Of a tile: its rows, where its elements lie, and which of them are there."""
    row = first_row + tl.arange(0, rows)
    at = row[:, None].to(tl.int64) * n_columns + column[None, :]
    there = (row < n_rows)[:, None] & (column < n_columns)[None, :]
    return row, at, there


@triton.jit
def _gate(logits, bias, row, column, n_columns, half: tl.constexpr, there):
    """One half of the gates; 0.5 where nothing is there."""
    at = row[:, None].to(tl.int64) * (2 * n_columns) + half * n_columns + column[None, :]
    logit = tl.load(logits + at, mask=there, other=0.0).to(tl.float32)
    added = tl.load(bias + half * n_columns + column, mask=column < n_columns, other=0.0).to(tl.float32)
    return tl.sigmoid(logit + added[None, :]), at


@triton.jit
def _tap(weight, column, n_columns, taps: tl.constexpr, back: tl.constexpr):
    """What the token `back` before this one is multiplied by."""
    place = weight + column * taps + (taps - 1 - back)
    return tl.load(place, mask=column < n_columns, other=0.0).to(tl.float32)[None, :]


@triton.jit
def _earlier(n, at, row, length, n_columns, back: tl.constexpr, there):
    """The input `back` tokens earlier; 0 before the first token of the sequence."""
    seen = there & ((row % length) >= back)[:, None]
    return tl.load(n + at - back * n_columns, mask=seen, other=0.0).to(tl.float32)


@triton.jit
def mix_forward(
    x, n, logits, gate_bias, retrieved, weight, bias, h, n_rows, length, n_columns,
    taps: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr,
):  # fmt: skip
    column = tl.program_id(1) * columns + tl.arange(0, columns)
    row, at, there = _tile(tl.program_id(0) * rows, n_rows, column, n_columns, rows)
    added = tl.load(bias + column, mask=column < n_columns, other=0.0).to(tl.float32)
    convolved = tl.zeros((rows, columns), tl.float32) + added[None, :]
    for back in tl.static_range(taps):
        convolved += _tap(weight, column, n_columns, taps, back) * _earlier(n, at, row, length, n_columns, back, there)
    local, _ = _gate(logits, gate_bias, row, column, n_columns, 0, there)
    memory, _ = _gate(logits, gate_bias, row, column, n_columns, 1, there)
    found = tl.load(retrieved + at, mask=there, other=0.0).to(tl.float32)
    mixed = tl.load(x + at, mask=there, other=0.0).to(tl.float32) + local * convolved + memory * found
    tl.store(h + at, mixed, mask=there)


@triton.jit
def mix_backward(
    grad, n, logits, gate_bias, retrieved, weight, bias, grad_n, grad_logits, grad_retrieved, parts,
    n_rows, length, n_columns,
    taps: tl.constexpr, rows: tl.constexpr, columns: tl.constexpr, tiles: tl.constexpr, n_sums: tl.constexpr,
    padded_sums: tl.constexpr,
):  # fmt: skip
    column = tl.program_id(1) * columns + tl.arange(0, columns)
    in_columns = column < n_columns
    added = tl.load(bias + column, mask=in_columns, other=0.0).to(tl.float32)
    which = tl.arange(0, padded_sums)[:, None]
    sums = tl.zeros((padded_sums, columns), tl.float32)
    for tile in range(tiles):
        row, at, there = _tile((tl.program_id(0) * tiles + tile) * rows, n_rows, column, n_columns, rows)
        grad_h = tl.load(grad + at, mask=there, other=0.0).to(tl.float32)
        local, at_local = _gate(logits, gate_bias, row, column, n_columns, 0, there)
        memory, at_memory = _gate(logits, gate_bias, row, column, n_columns, 1, there)
        through = grad_h * local  # the convolution's gradient
        convolved = tl.zeros((rows, columns), tl.float32) + added[None, :]
        grad_input = tl.zeros((rows, columns), tl.float32)
        for back in tl.static_range(taps):
            tap = _tap(weight, column, n_columns, taps, back)
            earlier = _earlier(n, at, row, length, n_columns, back, there)
            convolved += tap * earlier
            sums += tl.where(which == taps - 1 - back, tl.sum(through * earlier, axis=0)[None, :], 0.0)
            # Of the token `back` later, which saw this one.
            seen = there & ((row % length) + back < length)[:, None]
            later_grad = tl.load(grad + at + back * n_columns, mask=seen, other=0.0).to(tl.float32)
            later_gate, _ = _gate(logits, gate_bias, row + back, column, n_columns, 0, seen)
            grad_input += tap * later_grad * later_gate
        found = tl.load(retrieved + at, mask=there, other=0.0).to(tl.float32)
        grad_local = grad_h * convolved * local * (1.0 - local)
        grad_memory = grad_h * found * memory * (1.0 - memory)
        tl.store(grad_n + at, grad_input, mask=there)
        tl.store(grad_retrieved + at, grad_h * memory, mask=there)
        tl.store(grad_logits + at_local, grad_local, mask=there)
        tl.store(grad_logits + at_memory, grad_memory, mask=there)
        sums += tl.where(which == taps, tl.sum(through, axis=0)[None, :], 0.0)
        sums += tl.where(which == taps + 1, tl.sum(grad_local, axis=0)[None, :], 0.0)
        sums += tl.where(which == taps + 2, tl.sum(grad_memory, axis=0)[None, :], 0.0)
    place = parts + (tl.program_id(0) * n_sums + which) * n_columns + column[None, :]
    tl.store(place, sums, mask=(which < n_sums) & in_columns[None, :])


@triton.jit
def add_parts(parts, sums, n_parts, width, at_once: tl.constexpr, columns: tl.constexpr):
    """`sums` (width,) of `parts` (n_parts, width), always in the same order."""
    column = tl.program_id(0) * columns + tl.arange(0, columns)
    total = tl.zeros((columns,), tl.float32)
    for first in range(0, n_parts, at_once):
        part = first + tl.arange(0, at_once)
        there = (part < n_parts)[:, None] & (column < width)[None, :]
        total += tl.sum(tl.load(parts + part[:, None] * width + column[None, :], mask=there, other=0.0), axis=0)
    tl.store(sums + column, total, mask=column < width)


def launch_forward(
    x: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """All contiguous."""
    h = torch.empty_like(x)
    length, width = x.shape[-2:]
    n_rows = x.numel() // width
    grid = triton.cdiv(n_rows, ROWS), triton.cdiv(width, COLUMNS)
    mix_forward[grid](
        x, n, logits, gate_bias, retrieved, weight, bias, h, n_rows, length, width,
        taps=weight.shape[-1], rows=ROWS, columns=COLUMNS,
    )  # fmt: skip
    return h


def launch_backward(
    grad: Tensor, n: Tensor, logits: Tensor, gate_bias: Tensor, retrieved: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of all but x, whose is `grad` itself; all contiguous."""
    length, width = n.shape[-2:]
    n_rows, taps = n.numel() // width, weight.shape[-1]
    grad_n, grad_logits, grad_retrieved = (torch.empty_like(tensor) for tensor in (n, logits, retrieved))
    n_parts, n_sums = triton.cdiv(n_rows, ROWS * TILES), taps + BIASES
    parts = torch.empty(n_parts, n_sums * width, dtype=torch.float32, device=n.device)
    mix_backward[n_parts, triton.cdiv(width, COLUMNS)](
        grad, n, logits, gate_bias, retrieved, weight, bias, grad_n, grad_logits, grad_retrieved, parts,
        n_rows, length, width, taps=taps, rows=ROWS, columns=COLUMNS, tiles=TILES, n_sums=n_sums,
        padded_sums=triton.next_power_of_2(n_sums),
    )  # fmt: skip
    sums = torch.empty(n_sums * width, dtype=torch.float32, device=n.device)
    add_parts[(triton.cdiv(n_sums * width, COLUMNS),)](
        parts, sums, n_parts, n_sums * width, at_once=PARTS, columns=COLUMNS
    )
    by_row: Any = sums.view(-1, width)
    # None may be a view of another: torch refuses that of an operation of its own.
    return (
        grad_n,
        grad_logits,
        by_row[taps + 1 :].flatten().to(gate_bias.dtype, copy=True),
        grad_retrieved,
        by_row[:taps].T.unsqueeze(1).to(weight.dtype, copy=True, memory_format=torch.contiguous_format),
        by_row[taps].to(bias.dtype, copy=True),
    )
