"""The CPU's code is chosen before threads compute."""

from collections.abc import Sequence
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.machine import setup
from pipeline.params.schema import load_params


class Calls(TorchDispatchMode):
    """Operations, and how many elements their results have."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, int]] = []

    def __torch_dispatch__(
        self, op: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = op(*args, **(kwargs or {}))
        self.made.append((str(op), result.numel()))
        return result


def test_mkl_chooses_its_vector_code_on_one_thread() -> None:
    """Where two threads do so, one may compute by less accurate code: too rare an event to be waited for in a test."""
    with Calls() as calls:
        setup.start(load_params().runtime.model_copy(update={"device": "cpu"}))
    assert ("aten.exp.default", 1) in calls.made
