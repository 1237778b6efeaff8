"""Saves of a run in progress: the last two states, of which a damaged one is noticed and passed over."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.artifacts.records import Provenance
from pipeline.artifacts.tensors import DamagedError, read_tensors, write_tensors
from pipeline.training.protocol import Epoch, RunState

KEPT = 2


def save(folder: Path, state: RunState, made_by: list[Provenance]) -> None:
    """Write the state of a run, atomically, and remove all but the last two."""
    notes = {
        "epochs": [dataclasses.asdict(epoch) for epoch in state.epochs],
        "steps_in_epoch": state.steps_in_epoch,
        "train_seconds": state.train_seconds,
        "made_by": [provenance.model_dump() for provenance in made_by],
    }
    write_tensors(folder / f"step-{state.steps:09}.safetensors", _tensors(state), {"state": json.dumps(notes)})
    for old in _newest_first(folder)[KEPT:]:
        old.unlink()


def restore(folder: Path, state: RunState) -> list[Provenance]:
    """Bring a fresh state to where the newest good save is, and return what that one was made by.

    A damaged save is removed, and the one before it taken. Where there is none, the state stays at the beginning and
    the list is empty.
    """
    for file in _newest_first(folder):
        try:
            tensors, notes, _ = read_tensors(file)
        except DamagedError as error:
            print(f"{file} is damaged ({error}) and removed: going on from the one before it", file=sys.stderr)
            file.unlink()
            continue
        values = json.loads(notes["state"])
        state.epochs = [Epoch(**epoch) for epoch in values["epochs"]]
        state.steps_in_epoch, state.train_seconds = values["steps_in_epoch"], values["train_seconds"]
        _load(state, tensors)
        return [Provenance.model_validate(provenance) for provenance in values["made_by"]]
    return []


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _tensors(state: RunState) -> dict[str, Tensor]:
    """All tensors of the state: weights, optimiser, losses of the epoch, random generators."""
    tensors: dict[str, Tensor] = {f"model.{name}": tensor for name, tensor in state.model.named_parameters()}
    for index, values in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in values.items()}
    tensors |= {"losses": state.losses, "random.cpu": torch.get_rng_state()}
    if state.losses.is_cuda:
        tensors["random.cuda"] = torch.cuda.get_rng_state(state.losses.device)
    return tensors


def _load(state: RunState, tensors: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in state.model.named_parameters():
            parameter.copy_(tensors[f"model.{name}"])
    optimiser: dict[str, Any] = state.optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimiser":
            index, key = rest.split(".")
            moments.setdefault(int(index), {})[key] = tensor
    state.optimiser.load_state_dict(optimiser | {"state": moments})
    state.losses.copy_(tensors["losses"])
    torch.set_rng_state(tensors["random.cpu"])
    if state.losses.is_cuda:
        torch.cuda.set_rng_state(tensors["random.cuda"], state.losses.device)
