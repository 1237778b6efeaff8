"""The stage timing, small, on the CPU."""

from collections.abc import Callable

from pipeline.artifacts.records import TimingResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.timing import main as timing
from tests.conftest import Workspace


def test_timing(workspace: Workspace) -> None:
    workspace.call(timing)
    result = read_result(paths.TIMING, TimingResult)
    assert result is not None
    assert {name: len(times.seconds) for name, times in result.models.items()} == {
        "transformer": 3, "transformer-fused": 3, "mamba": 3, "gam": 3,
    }  # fmt: skip
    assert result.block_size == 32


def test_timing_refuses_unequal_blocks(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.edit({"models": {"mamba": {"block_size": 16}}})
    assert "timing.models differ in block_size" in refusal(timing)
