"""The matrix products of a computation: how many operations they are, how long they take, and what else does."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
FACTORS = {
    aten.mm.default: 0,
    aten.mm.out: 0,
    aten.bmm.default: 0,
    aten.addmm.default: 1,
    aten.addmm.out: 1,
    aten.addmm_.default: 1,
    aten.baddbmm.default: 1,
    aten.baddbmm.out: 1,
}
"""The operations that are products of matrices, and which argument is the first factor."""


@dataclass(frozen=True)
class Layout:
    """A matrix, or a batch of them, without its content."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def make(self, device: torch.device) -> Tensor:
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=device).normal_()


class Products(TorchDispatchMode):
    """Notes the factors of every product that is computed while it is active, backward passes included."""

    def __init__(self) -> None:
        super().__init__()
        self.factors: list[tuple[Layout, Layout]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in FACTORS:
            first = FACTORS[func]
            a, b = (Layout(tuple(t.shape), t.stride(), t.dtype) for t in args[first : first + 2])
            self.factors.append((a, b))
        return func(*args, **(kwargs or {}))

    @property
    def flop(self) -> int:
        """A multiplication and an addition for each element of a row and a column."""
        return sum(2 * math.prod(a.shape) * b.shape[-1] for a, b in self.factors)


class Durations(TorchDispatchMode):
    """Seconds of every operation that is computed while it is active, by name. For the CPU, which waits for each."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        started = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        name = "products" if func in FACTORS else str(func).split(".")[1].strip("_")
        self.seconds[name] += time.perf_counter() - started
        return result


def of(compute: Callable[[], object]) -> Products:
    """The products of one call."""
    with Products() as products:
        compute()
    return products


def replay(products: Products, device: torch.device) -> Callable[[], None]:
    """A function that computes them all, into outputs that are there already."""
    made: dict[Layout, Tensor] = {}
    jobs = []
    for layouts in products.factors:
        a, b = (made.setdefault(layout, layout.make(device)) for layout in layouts)
        shape = Layout((*a.shape[:-1], b.shape[-1]), (), a.dtype)
        out = made.get(shape)
        if out is None:
            out = made[shape] = a.new_empty(shape.shape)
        jobs.append((a, b, out))

    def run() -> None:
        for a, b, out in jobs:
            torch.matmul(a, b, out=out)

    return run
