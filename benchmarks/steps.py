"""Training steps at the paper's size: the plain definitions, ours, and the matrix products alone, in turn."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median

import torch

from benchmarks.plain import plain_definitions
from benchmarks.products import of, replay
from pipeline.params import Params
from pipeline.training import make_optimiser, seeded_model, train_step


@dataclass(frozen=True)
class Times:
    """Seconds of each round."""

    model: str
    precision: str
    flop: int
    """Of the matrix products of a step."""
    plain: list[float]
    ours: list[float]
    products: list[float]

    @property
    def faster(self) -> float:
        """How many of our steps fit into a plain one: median of the rounds' ratios."""
        return median(p / o for p, o in zip(self.plain, self.ours, strict=True))

    @property
    def share(self) -> float:
        """Of the rate that the products reach by themselves: median of the rounds' ratios."""
        return median(p / o for p, o in zip(self.products, self.ours, strict=True))


def time_steps(params: Params, name: str, precision: str, rounds: int, device: torch.device) -> Times:
    """One warm-up round, and `rounds` that count."""
    settings = params.train
    config = params.models[name].config(params.timing.vocab_size)
    generator = torch.Generator().manual_seed(0)
    shape = (settings.batch_size, config.block_size + 1)
    batch = torch.randint(params.timing.vocab_size, shape, generator=generator).to(device)
    model = seeded_model(config, 0, device)
    optimiser = make_optimiser(model, settings)

    def step() -> None:
        train_step(model, optimiser, batch, settings.learning_rate, settings, precision).item()

    products = of(step)
    alone = replay(products)
    times: dict[str, list[float]] = {"plain": [], "ours": [], "products": []}
    for _ in range(rounds + 1):
        with plain_definitions():
            times["plain"].append(_seconds(step))
        with nullcontext():
            times["ours"].append(_seconds(step))
        times["products"].append(alone())
    return Times(name, precision, products.flop, *(seconds[1:] for seconds in times.values()))


def _seconds(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
