"""What autocast does to the factors of a matrix product, for operations that keep to one type from end to end."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def as_factors(*tensors: Tensor) -> list[Tensor]:
    """The tensors in autocast's type where autocast is on, as they are where it is off."""
    kind = tensors[0].device.type
    if not (_has_autocast(kind) and torch.is_autocast_enabled(kind)):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]


def no_autocast(tensor: Tensor) -> AbstractContextManager[object]:
    """A context in which operations on the tensor's device keep the types they are given."""
    kind = tensor.device.type
    return torch.autocast(kind, enabled=False) if _has_autocast(kind) else nullcontext()


def _has_autocast(kind: str) -> bool:
    """Not so `meta`, whose tensors have shapes and types alone. torch has a function that tells, which torch 2.11 does
    not compile."""
    return kind != "meta"
