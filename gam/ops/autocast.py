"""What autocast does to the factors of a matrix product, for operations that keep to one type from end to end."""

import torch
from torch import Tensor


def as_factors(*tensors: Tensor) -> list[Tensor]:
    """The tensors in autocast's type where autocast is on, as they are where it is off."""
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]


def no_autocast(tensor: Tensor) -> torch.autocast:
    """A context in which operations on the tensor's device keep the types they are given."""
    return torch.autocast(tensor.device.type, enabled=False)
