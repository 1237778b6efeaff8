"""One block, forward and backward, in train mode, for an input that needs no gradient: the published way and ours."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.measure import in_turn, peak_mib
from benchmarks.plain import plain_definitions
from benchmarks.products import of, replay
from gam.blocks import build_block
from pipeline.machine.precision import forward_in
from pipeline.params.models import Precision
from pipeline.params.schema import Params


@dataclass(frozen=True)
class Block:
    """What was measured of one block at one length."""

    model: str
    precision: Precision
    batch_size: int
    length: int
    flop: int
    """Of the matrix products."""
    seconds: dict[str, list[float]]
    """plain, ours, compiled and products, by round."""
    peak_mib: dict[str, float]
    """What plain, ours and compiled hold at most, beside the weights."""


def measure_block(
    params: Params, name: str, precision: Precision, batch_size: int, length: int, device: torch.device, rounds: int
) -> Block:
    """The same weights and input each time; the published algorithm is in float32 always."""
    eager, compiled = (_passes(params, name, batch_size, length, device, compiled=c) for c in (False, True))

    def plain() -> None:
        with plain_definitions():
            eager("float32")

    computes: dict[str, Callable[[], object]] = {
        "plain": plain,
        "ours": lambda: eager(precision),
        "compiled": lambda: compiled(precision),
    }
    peaks = {how: peak_mib(compute) for how, compute in computes.items()}
    products = of(computes["ours"])
    seconds = in_turn(computes | {"products": replay(products, device)}, rounds)
    return Block(name, precision, batch_size, length, products.flop, seconds, peaks)


def _passes(
    params: Params, name: str, batch_size: int, length: int, device: torch.device, *, compiled: bool
) -> Callable[[Precision], None]:
    torch.manual_seed(0)
    config = params.models[name].config(params.timing.vocab_size)
    block = build_block(config).to(device).train()
    x = torch.randn(batch_size, length, config.d_model, device=device)
    if compiled:
        block.compile(dynamic=False)

    def forward_and_backward(precision: Precision) -> None:
        block.zero_grad()
        with forward_in(precision, device):
            y = block(x)
        y.sum().backward()

    return forward_and_backward
