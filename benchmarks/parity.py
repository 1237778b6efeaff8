"""Does a device compute what the CPU does? Each block, five steps of training, and the bits of a second run.

`python -m benchmarks.parity --device cuda --report FILE`: one line for each, and the numbers in FILE. Exits with 1
where a difference is larger than rounding makes it.
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gam.blocks import build_block
from gam.config import ModelConfig
from pipeline.artifacts.provenance import provenance
from pipeline.base.files import write_json
from pipeline.machine.nvidia_smi import ask
from pipeline.machine.precision import forward_in
from pipeline.machine.setup import start
from pipeline.params.models import Precision
from pipeline.params.schema import Params, load_params
from pipeline.training.protocol import make_optimiser, seeded_model, train_step

CPU = torch.device("cpu")
BATCH, LENGTH, STEPS = 2, 256, 5
ALLOWED: dict[Precision, float] = {"float32": 1e-4, "bfloat16": 3e-2}
"""Largest difference, as a share of the norm."""
ALLOWED_OF_KERNELS = 1e-2
"""Mamba's kernels compute exponentials in less than float32's precision."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", required=True)
    parser.add_argument("--report", required=True, type=Path)
    args = parser.parse_args()
    params = load_params()
    machine = start(params.runtime.model_copy(update={"device": args.device}))
    stamp = provenance(machine, None)
    precisions: tuple[Precision, ...] = ("float32", "bfloat16") if machine.gauge.kind == "cuda" else ("float32",)
    state = ask(None, "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit", "temperature.gpu", "memory.used")
    found: dict[str, Any] = {"provenance": stamp.model_dump(), "gpu": state, "blocks": {}, "steps": {}, "rerun": {}}
    is_good = True
    fused = [name for name, entry in params.models.items() if entry.model_dump().get("fused_mix")]
    for name in [*params.timing.models, *fused]:
        config = dataclasses.replace(params.models[name].config(params.timing.vocab_size), dropout=0.0)
        by_kernels = stamp.mamba_kernels and params.models[name].block == "mamba"
        for precision in precisions:
            error = max(block_errors(config, machine.device, precision).values())
            allowed = max(ALLOWED[precision], ALLOWED_OF_KERNELS if by_kernels else 0.0)
            found["blocks"][f"{name} {precision}"] = error
            is_good &= told(f"{name} block, {precision}: differs by {error:.1e} of its norm", error <= allowed)
        losses = [losses_of(params, config, device) for device in (CPU, machine.device, machine.device)]
        steps = max(abs(one - other) for one, other in zip(losses[0], losses[1], strict=True))
        allowed = ALLOWED_OF_KERNELS if by_kernels else ALLOWED["float32"]
        found["steps"][name], found["rerun"][name] = steps, losses[1] == losses[2]
        is_good &= told(f"{name}, {STEPS} steps: losses differ by {steps:.1e} nats", steps <= allowed)
        same = "the same bits" if found["rerun"][name] else "other bits"
        is_good &= told(f"{name}, a second time: {same}", found["rerun"][name] or by_kernels)
    write_json(args.report, found)
    sys.exit(not is_good)


def told(text: str, is_good: bool) -> bool:
    print(f"{text}{'' if is_good else ': TOO MUCH'}", flush=True)
    return is_good


def block_errors(config: ModelConfig, device: torch.device, precision: Precision) -> dict[str, float]:
    """Of one block's output and gradients: the norm of the difference from the CPU's in float32, as a share of that."""
    torch.manual_seed(0)
    block = build_block(config)
    x = torch.randn(BATCH, min(LENGTH, config.block_size), config.d_model)
    weights = torch.randn_like(x)
    expected = _results(block, x, weights, "float32")
    found = _results(block.to(device), x.to(device), weights.to(device), precision)
    return {
        name: ((found[name].cpu().double() - value.double()).norm() / value.double().norm().clamp(min=1e-30)).item()
        for name, value in expected.items()
    }


def _results(block: torch.nn.Module, x: Tensor, weights: Tensor, precision: Precision) -> dict[str, Tensor]:
    block.zero_grad()
    x = x.clone().requires_grad_()
    with forward_in(precision, x.device):
        y = block(x)
    (y * weights).sum().backward()
    assert x.grad is not None
    gradients = {
        name: parameter.grad.clone() for name, parameter in block.named_parameters() if parameter.grad is not None
    }
    return {"output": y.detach(), "input's gradient": x.grad, **gradients}


def losses_of(params: Params, config: ModelConfig, device: torch.device) -> list[float]:
    """Of the first steps of a training, without dropout, whose random numbers each device draws in its own way."""
    model = seeded_model(config, 0, device).train()
    optimiser = make_optimiser(model, params.train)
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, min(LENGTH, config.block_size) + 1)
    losses = []
    for _ in range(STEPS):
        batch = torch.randint(config.vocab_size, shape, generator=generator).to(device)
        losses.append(train_step(model, optimiser, batch, params.train.learning_rate, params.train, "float32"))
    return [loss.item() for loss in losses]


if __name__ == "__main__":
    main()
