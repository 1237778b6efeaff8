"""A run that was interrupted goes on where it was, and ends with the same bytes; a damaged save is passed over."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline import train as stage
from pipeline.base import paths
from pipeline.base.files import json_sha256
from pipeline.train import main as train
from pipeline.training import protocol as training
from pipeline.training import running
from pipeline.training.progress import Progress
from tests.conftest import Workspace
from tests.pipeline.conftest import RUN

NAMES = {"dataset": "stories", "model": "gam", "seed": 0}
OUTPUTS = {"weights": paths.weights(**NAMES), "curve": paths.curve(**NAMES)}  # type: ignore[arg-type]


class KilledError(BaseException):
    """Ends the process's work as a kill does: no handler of the pipeline catches it."""


@pytest.fixture
def handlers() -> Iterator[None]:
    """The process's own signal handlers come back after a test that trains in it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def whole(tokenised: Workspace, handlers: None) -> dict[str, bytes]:  # noqa: ARG001
    """What the run gives uninterrupted."""
    tokenised.call(train, *RUN)
    outputs = {name: path.read_bytes() for name, path in OUTPUTS.items()}
    for path in (*OUTPUTS.values(), paths.clock(**NAMES)):  # type: ignore[arg-type]
        path.unlink()
    assert list(paths.WORK.rglob("*.safetensors")) == []
    return outputs


def outputs() -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in OUTPUTS.items()}


def saves() -> list[Path]:
    return sorted(paths.WORK.rglob("*.safetensors"))


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], None]) -> None:
    """Have `do` done right after a step, before anything else is."""
    original = Progress.step

    def counting(self: Progress, made: Any) -> None:
        original(self, made)
        if self.steps == step:
            do()

    monkeypatch.setattr(Progress, "step", counting)


def die() -> None:
    raise KilledError


@pytest.mark.parametrize("step", [1, 7, 20, 29, 30, 50])
def test_killed_after_any_step(
    tokenised: Workspace, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """29 steps make an epoch: killed in it, after its last step, and in the next one."""
    monkeypatch.setattr(running, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as context:
        kill_at(context, step, die)
        with pytest.raises(KilledError):
            tokenised.call(train, *RUN)
    assert len(saves()) == min(2, step - 1)
    torch.manual_seed(99)
    tokenised.call(train, *RUN)
    assert outputs() == whole
    assert saves() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_first(
    tokenised: Workspace,
    whole: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    with monkeypatch.context() as context:
        kill_at(context, 10, lambda: os.kill(os.getpid(), number))
        with pytest.raises(SystemExit) as stop:
            tokenised.call(train, *RUN)
    assert stop.value.code == 128 + number
    assert f"stopped by {number.name}, everything is saved" in capsys.readouterr().err
    assert [save.name for save in saves()] == ["step-000000010.safetensors"]
    tokenised.call(train, *RUN)
    assert "going on after step 10" in capsys.readouterr().out
    assert outputs() == whole


@pytest.mark.parametrize("damaged", [1, 2])
def test_damaged_saves(
    tokenised: Workspace,
    whole: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damaged: int,
) -> None:
    """The newest is cut, the one before has a bit flipped: as many as `damaged` says."""
    monkeypatch.setattr(running, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as context:
        kill_at(context, 10, die)
        with pytest.raises(KilledError):
            tokenised.call(train, *RUN)
    before, newest = saves()
    newest.write_bytes(newest.read_bytes()[:-100])
    if damaged == 2:
        content = bytearray(before.read_bytes())
        content[-1000] ^= 4
        before.write_bytes(content)
    tokenised.call(train, *RUN)
    said = capsys.readouterr()
    assert said.err.count("is damaged") == damaged
    assert ("going on after step 8" in said.out) == (damaged == 1)
    assert outputs() == whole


@pytest.mark.usefixtures("handlers")
def test_what_a_run_depends_on(tokenised: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other parameters, and it starts anew; the same again, and it goes on."""
    with monkeypatch.context() as context:
        kill_at(context, 10, lambda: os.kill(os.getpid(), signal.SIGTERM))
        for clip in (1.0, 2.0):
            tokenised.edit({"train": {"clip_norm": clip}})
            with pytest.raises(SystemExit):
                tokenised.call(train, *RUN)
    assert [save.name for save in saves()] == ["step-000000010.safetensors"] * 2
    assert len({save.parent for save in saves()}) == 2


def test_a_finished_run_is_left_as_it_is(
    tokenised: Workspace, whole: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    tokenised.call(train, *RUN)
    capsys.readouterr()
    tokenised.call(train, *RUN)
    assert "stories gam seed 0: trained already" in capsys.readouterr().out
    for name, path in OUTPUTS.items():
        path.write_bytes(path.read_bytes()[:-3])
        tokenised.call(train, *RUN)
        assert "trained already" not in capsys.readouterr().out, name
        assert outputs() == whole


def test_other_code_that_had_a_part_is_named(
    tokenised: Workspace, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        kill_at(context, 10, lambda: os.kill(os.getpid(), signal.SIGTERM))
        made = stage.provenance
        context.setattr(stage, "provenance", lambda *given: made(*given).model_copy(update={"device": "another"}))
        with pytest.raises(SystemExit):
            tokenised.call(train, *RUN)
    tokenised.call(train, *RUN)
    curve = json.loads(OUTPUTS["curve"].read_text())
    assert [part["device"] for part in curve.pop("earlier")] == ["another"]
    expected = json.loads(whole["curve"])
    expected.pop("earlier")
    assert json_sha256(curve | {"sha256": ""}) == json_sha256(expected | {"sha256": ""})
    assert OUTPUTS["weights"].read_bytes() == whole["weights"]


@pytest.mark.usefixtures("handlers")
def test_a_loss_that_is_not_finite(
    tokenised: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step is named, and the last good save stays."""
    monkeypatch.setattr(running, "SAVE_EVERY", 0.0)
    original, count = training.train_step, iter(range(1000))

    def poisoned(*given: Any) -> torch.Tensor:
        loss = original(*given)
        return loss * float("nan") if next(count) == 30 else loss

    monkeypatch.setattr(training, "train_step", poisoned)
    with pytest.raises(SystemExit) as stop:
        tokenised.call(train, *RUN)
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: the loss is nan in step 31 (epoch 2, batch 2): lower train.learning_rate")
    assert [save.name for save in saves()] == ["step-000000029.safetensors", "step-000000030.safetensors"]


def test_a_card_that_is_pulled_away(
    tokenised: Workspace,
    whole: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line, and the training goes on elsewhere, from its last save to the same end."""
    original, count = training.train_step, iter(range(100))

    def gone(*given: Any) -> torch.Tensor:
        if next(count) == 5:
            raise torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")
        return original(*given)

    monkeypatch.setattr(running, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training, "train_step", gone)
    with pytest.raises(SystemExit) as stop:
        tokenised.call(train, *RUN)
    assert stop.value.code == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error: ")]
    assert "failed while stories gam seed 0 was computed (CUDA error: unspecified launch failure)" in line
    assert "the same command goes on from the last save" in line
    monkeypatch.setattr(training, "train_step", original)
    tokenised.call(train, *RUN)
    assert "going on after step 5" in capsys.readouterr().out
    assert outputs() == whole
