"""Named tensors on disk: safetensors, which never runs code on reading, with a checksum of all that is in the file."""

import os
import re
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pipeline.base.files import replacing

CHECKSUM = "sha256"


class DamagedError(Exception):
    """A file whose content is not what was written."""


def write_tensors(path: Path, tensors: dict[str, Tensor], notes: dict[str, str] | None = None) -> str:
    """Write tensors with notes beside them, atomically; returns the hash of both."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = _checksum(tensors, notes or {})
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, (notes or {}) | {CHECKSUM: checksum})
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            code = int(number[1])
            raise OSError(code, os.strerror(code), str(path)) from None
    return checksum


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str], str]:
    """The tensors, the notes and their hash. Raises FileNotFoundError, and DamagedError where a bit has changed."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
            notes = dict(file.metadata() or {})
    except SafetensorError as error:
        raise DamagedError(str(error)) from None
    checksum = notes.pop(CHECKSUM, "")
    if checksum != _checksum(tensors, notes):
        raise DamagedError("its checksum does not fit its content")
    return tensors, notes, checksum


def _checksum(tensors: dict[str, Tensor], notes: dict[str, str]) -> str:
    digest = sha256(repr(sorted(notes.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
