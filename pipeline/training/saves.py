"""Saves of a run in progress: the last two states, of which a damaged one is noticed and passed over."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gam import LanguageModel
from pipeline.artifacts.records import Provenance
from pipeline.artifacts.tensors import DamagedError, read_tensors, write_tensors
from pipeline.machine.processes import ALONE, Processes
from pipeline.training.protocol import Epoch, RunState

KEPT = 2


def save(folder: Path, state: RunState, made_by: list[Provenance]) -> None:
    """Write the state of a run, atomically, and remove all but the last two."""
    notes = {
        "epochs": [dataclasses.asdict(epoch) for epoch in state.epochs],
        "steps_in_epoch": state.steps_in_epoch,
        "train_seconds": state.watch.seconds,
        "made_by": [provenance.model_dump() for provenance in made_by],
    }
    write_save(folder, state.steps, tensors_of(state.model, state.optimiser) | {"losses": state.losses}, notes)


def restore(folder: Path, state: RunState, processes: Processes = ALONE) -> list[Provenance]:
    """Bring a fresh state to where the newest good save is, and return what that one was made by.

    A damaged save is removed, and the one before it taken. Where there is none, the state stays at the beginning and
    the list is empty. The first process reads for all.
    """
    newest = processes.from_first(lambda: read_newest(folder))
    if newest is None:
        return []
    tensors, values = newest
    state.epochs = [Epoch(**epoch) for epoch in values["epochs"]]
    state.steps_in_epoch, state.watch.seconds = values["steps_in_epoch"], values["train_seconds"]
    state.losses.copy_(tensors["losses"])
    load_tensors(state.model, state.optimiser, tensors)
    return [Provenance.model_validate(provenance) for provenance in values["made_by"]]


def write_save(folder: Path, steps: int, tensors: dict[str, Tensor], notes: dict[str, Any]) -> None:
    """Write a save, atomically, and remove all but the last two."""
    write_tensors(folder / f"step-{steps:09}.safetensors", tensors, {"state": json.dumps(notes)})
    for old in _newest_first(folder)[KEPT:]:
        old.unlink()


def read_newest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and notes of the newest good save, or None. A damaged one is removed, and the one before it taken."""
    for file in _newest_first(folder):
        try:
            tensors, notes, _ = read_tensors(file)
        except DamagedError as error:
            print(f"{file} is damaged ({error}) and removed: going on from the one before it", file=sys.stderr)
            file.unlink()
            continue
        return tensors, json.loads(notes["state"])
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def tensors_of(model: LanguageModel, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights, the optimiser's moments, and torch's random generators."""
    tensors: dict[str, Tensor] = {f"model.{name}": tensor for name, tensor in model.named_parameters()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in values.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    device = next(model.parameters()).device
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def load_tensors(model: LanguageModel, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Take what `tensors_of` gave."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    state: dict[str, Any] = optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimiser":
            index, key = rest.split(".")
            moments.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(state | {"state": moments})
    torch.set_rng_state(tensors["random.cpu"])
    device = next(model.parameters()).device
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], device)
