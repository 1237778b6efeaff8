"""One block, forward and backward, in train mode, for an input that needs no gradient: the published way and ours."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.measure import in_turn, peak_mib
from benchmarks.plain import plain_definitions
from benchmarks.products import of, replay
from gam.blocks import build_block
from gam.config import GAMConfig, ModelConfig
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
    """plain, ours, compiled and products, by round; on a GPU also fused: with the gated mix in kernels of its own, by
    itself and with the rest compiled."""
    peak_mib: dict[str, float]
    """What all but products hold at most, beside the weights."""


def measure_block(
    params: Params, name: str, precision: Precision, batch_size: int, length: int, device: torch.device, rounds: int
) -> Block:
    """The same weights and input each time; the published algorithm is in float32 always."""
    config = params.models[name].config(params.timing.vocab_size)
    eager, compiled = (_passes(config, batch_size, length, device, compiled=c) for c in (False, True))

    def plain() -> None:
        with plain_definitions():
            eager("float32")

    computes: dict[str, Callable[[], object]] = {
        "plain": plain,
        "ours": lambda: eager(precision),
        "compiled": lambda: compiled(precision),
    }
    if device.type == "cuda" and isinstance(config, GAMConfig):
        mixed = dataclasses.replace(config, fused_mix=True)
        fused, both = (_passes(mixed, batch_size, length, device, compiled=c) for c in (False, True))
        others = {"fused": lambda: fused(precision), "fused and compiled": lambda: both(precision)}
        computes |= {how: compute for how, compute in others.items() if runs(how, compute)}
    peaks = {how: peak_mib(compute) for how, compute in computes.items()}
    products = of(computes["ours"])
    seconds = in_turn(computes | {"products": replay(products, device)}, rounds)
    return Block(name, precision, batch_size, length, products.flop, seconds, peaks)


def runs(how: str, compute: Callable[[], object]) -> bool:
    """Whether it does; a kernel that no GPU has run yet must not take the other numbers with it."""
    try:
        compute()
    except Exception as error:
        print(f"{how}: not measured: {type(error).__name__}: {str(error).splitlines()[0]}", flush=True)
        return False
    return True


def _passes(
    config: ModelConfig, batch_size: int, length: int, device: torch.device, *, compiled: bool
) -> Callable[[Precision], None]:
    torch.manual_seed(0)
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
