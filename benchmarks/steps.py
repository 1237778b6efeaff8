"""Training steps at the paper's size: the published algorithm, ours, and the matrix products alone, in turn."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import cast

import torch

from benchmarks.measure import in_turn, peak_mib
from benchmarks.plain import plain_definitions
from benchmarks.products import Durations, of, replay
from pipeline.params.models import Precision
from pipeline.params.schema import Params, load_params
from pipeline.training.protocol import compile_blocks, make_optimiser, seeded_model, train_step


@dataclass(frozen=True)
class Steps:
    """What was measured of one model in one precision."""

    model: str
    precision: Precision
    compiled: bool
    tokens: int
    """Of a step."""
    flop: int
    """Of a step's matrix products."""
    peak_mib: float
    """What a step of ours holds at most, beside weights and moments."""
    plain_peak_mib: float
    seconds: dict[str, list[float]]
    """plain, ours and products, by round."""
    operations: dict[str, float]
    """Seconds of a step of ours by kind of operation; empty on a GPU."""
    default_allocator_seconds: list[float] | None
    """plain in a process of its own, whose allocator is left as it comes; None on a GPU."""


def stepper(
    params: Params, name: str, precision: Precision, device: torch.device, *, compiled: bool
) -> Callable[[], float]:
    """A function that makes one training step on random tokens and returns the loss, waiting for it."""
    settings, vocab_size = params.train, params.timing.vocab_size
    model = seeded_model(params.models[name].config(vocab_size), 0, device)
    if compiled:
        compile_blocks(model)
    optimiser = make_optimiser(model, settings)
    shape = (settings.batch_size, model.config.block_size + 1)
    batch = torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(0)).to(device)

    def step() -> float:
        return train_step(model, optimiser, batch, settings.learning_rate, settings, precision).item()

    return step


def measure_steps(
    params: Params, name: str, precision: Precision, device: torch.device, *, compiled: bool, rounds: int
) -> Steps:
    """One model's steps, in turn. The published algorithm takes the same precision."""
    ours = stepper(params, name, precision, device, compiled=compiled)
    eager = stepper(params, name, precision, device, compiled=False) if compiled else ours

    def plain() -> float:
        with plain_definitions():
            return eager()

    products = of(eager)
    computes = {"plain": plain, "ours": ours, "products": replay(products, device)}
    config = params.models[name].config(params.timing.vocab_size)
    return Steps(
        model=name,
        precision=precision,
        compiled=compiled,
        tokens=params.train.batch_size * config.block_size,
        flop=products.flop,
        peak_mib=peak_mib(ours),
        plain_peak_mib=peak_mib(plain),
        seconds=in_turn(computes, rounds),
        operations={} if device.type == "cuda" else durations(ours),
        default_allocator_seconds=None if device.type == "cuda" else plain_under_default_allocator(name, precision),
    )


def durations(step: Callable[[], object], rounds: int = 5) -> dict[str, float]:
    """Median seconds by kind of operation."""
    seconds = []
    for _ in range(rounds):
        with Durations() as measured:
            step()
        seconds.append(measured.seconds)
    return {name: median(each[name] for each in seconds) for name in seconds[0]}


def plain_under_default_allocator(name: str, precision: Precision) -> list[float]:
    """What `main` prints."""
    command = [sys.executable, "-m", "benchmarks.steps", name, precision]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    """Seconds of the published algorithm's steps on the CPU, without pipeline.machine."""
    name, precision = sys.argv[1:]
    params = load_params()
    torch.set_num_threads(params.runtime.threads)
    with plain_definitions():
        step = stepper(params, name, cast(Precision, precision), torch.device("cpu"), compiled=False)
        print(*in_turn({"plain": step}, rounds=3)["plain"])


if __name__ == "__main__":
    main()
