"""The stage timing, small, on the CPU."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import timing as stage
from pipeline.artifacts.cost_records import StepTimes, TimingResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.timing import main as timing
from tests.conftest import Workspace
from tests.made_up import only_file

MODELS = ("transformer", "transformer-fused", "mamba", "gam")


def times(seconds: float) -> StepTimes:
    return StepTimes(busy_before=0.0, seconds={model: [seconds] * 3 for model in MODELS})


def saves() -> list[Path]:
    return sorted(paths.TIMING_WORK.rglob("*.json"))


def test_timing(workspace: Workspace) -> None:
    workspace.call(timing)
    result = read_result(only_file(paths.TIMINGS), TimingResult)
    assert result is not None
    assert [{name: len(seconds) for name, seconds in each.seconds.items()} for each in result.measurements] == [
        dict.fromkeys(MODELS, 3)
    ] * 2
    assert result.measurements[0].seconds != result.measurements[1].seconds
    assert len(result.seconds("gam")) == 6
    assert result.block_size == 32
    assert not paths.TIMING_WORK.exists()


def test_timing_refuses_unequal_blocks(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.edit({"models": {"mamba": {"block_size": 16}}})
    assert "timing.models differ in block_size" in refusal(timing)


def test_a_finished_measurement_is_not_made_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless what it was made with has changed, or its file is damaged."""
    made: list[float] = []

    def killed_at(number: int) -> Callable[..., StepTimes]:
        def measure(*_arguments: object) -> StepTimes:
            if len(made) == number:
                raise KeyboardInterrupt
            made.append(float(len(made) + 1))
            return times(made[-1])

        return measure

    def run(number: int) -> list[float] | None:
        """The seconds that are written, where the measurement with this number is not reached."""
        monkeypatch.setattr(stage, "call_apart", killed_at(number))
        try:
            workspace.call(timing)
        except SystemExit:
            return None
        result = read_result(only_file(paths.TIMINGS), TimingResult)
        return result and [seconds[0] for seconds in result.by_measurement("gam")]

    assert run(1) is None
    (save,) = saves()
    assert run(2) == [1.0, 2.0]
    assert saves() == []
    assert run(3) is None
    (save,) = saves()
    save.write_text(save.read_text().replace("3.0", "9.0"))
    assert run(5) == [4.0, 5.0]
    assert run(6) is None
    workspace.edit({"train": {"learning_rate": 0.1}})
    assert run(8) == [7.0, 8.0]
