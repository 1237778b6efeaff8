"""What a device says when it has no memory left, or is gone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipeline.base.errors import UserError

NO_MEMORY = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""What stands in errors that have no type of their own: of the CPU's allocator, of CUDA and of its libraries."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a failed computation wanted more memory than there is."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY)


@contextmanager
def one_line(name: str, device: str, remedy: str) -> Iterator[None]:
    """A computation called `name` that fails for want of memory, or since its device fails, is a UserError.

    `remedy` says what to do about memory. A failed GPU needs a new process: what was saved is saved.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise UserError(f"{name} ran out of the memory of {device}: {remedy}") from None
        if isinstance(error, torch.AcceleratorError):
            said = str(error).splitlines()[0]
            raise UserError(
                f"{device} failed while {name} was computed ({said}): the same command goes on from the last save, "
                "here or on another device of its type"
            ) from None
        raise
