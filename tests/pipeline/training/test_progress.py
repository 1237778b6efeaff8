"""The file that a training writes for who watches: whole, short, and without a say in the training."""

from pathlib import Path

import pytest
import torch

from pipeline.base import paths
from pipeline.training import progress as module
from pipeline.training.progress import Progress
from pipeline.training.protocol import Epoch, Step
from pipeline.watching import trainings


def step(loss: float) -> Step:
    return Step(torch.tensor(loss), learning_rate=0.5, tokens=64)


def epoch(number: int, steps: int) -> Epoch:
    return Epoch(number, steps, train_loss=4.5, validation_loss=4.25, train_seconds=1.0, validation_seconds=1.0)


def read(folder: Path) -> trainings.Progress:
    found = trainings.read_progress(folder / paths.PROGRESS)
    assert found is not None
    assert [file.name for file in folder.iterdir()] == [paths.PROGRESS]
    return found


def points(folder: Path) -> list[tuple[int, float | None]]:
    return [(point.step, point.loss) for point in read(folder).points]


def test_a_point_is_the_mean_of_the_steps_since_the_one_before(tmp_path: Path) -> None:
    progress = Progress("stories gam seed 0", 8, 0, tmp_path / "saves")
    begun = read(tmp_path / "saves")
    assert (begun.run, begun.total_steps, begun.seconds_left, begun.step) == ("stories gam seed 0", 8, None, 0)
    for loss in (5.0, 3.0):
        progress.step(step(loss))
    assert points(tmp_path / "saves") == [], "it is not time yet"
    progress.epoch(epoch(1, 2))
    for loss in (3.0, 2.0, float("nan")):
        progress.written -= module.WRITE_EVERY
        progress.step(step(loss))
    assert points(tmp_path / "saves") == [(2, 4.0), (3, 3.0), (4, 2.0), (5, None)]
    now = read(tmp_path / "saves")
    assert [each.model_dump() for each in now.epochs] == [
        {"epoch": 1, "steps": 2, "train_loss": 4.5, "validation_loss": 4.25}
    ]
    last = now.points[-1]
    assert last.learning_rate == 0.5
    assert now.seconds_left == pytest.approx(3 * 64 / last.tokens_per_second, rel=0.1), "3 steps of 64 tokens"


def test_a_killed_training_goes_on_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came after its save is made again, and a damaged file is begun anew."""
    monkeypatch.setattr(module, "WRITE_EVERY", 0.0)
    progress = Progress("run", 8, 0, tmp_path)
    for at in range(1, 6):
        progress.step(step(at))
        if at in (2, 4):
            progress.epoch(epoch(at // 2, at))
    again = Progress("run", 8, 3, tmp_path)
    assert points(tmp_path) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    again.step(step(7.0))
    again.epoch(epoch(2, 4))
    again.epoch(epoch(2, 4))
    assert points(tmp_path)[-1] == (4, 7.0)
    assert [each.epoch for each in read(tmp_path).epochs] == [1, 2]
    for damage in (b'{"points"', b"[]", b'{"epochs": 3, "points": []}', b""):
        (tmp_path / paths.PROGRESS).write_bytes(damage)
        Progress("run", 8, 3, tmp_path)
        assert points(tmp_path) == []


def test_it_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY", 0.0)
    monkeypatch.setattr(module, "KEPT", 3)
    progress = Progress("run", 100, 0, tmp_path)
    for at in range(1, 11):
        progress.step(step(at))
    assert [at for at, _ in points(tmp_path)] == [8, 9, 10]


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY", 0.0)
    (tmp_path / "saves").write_text("a file where a folder is to be")
    progress = Progress("run", 2, 0, tmp_path / "saves")
    for loss in (5.0, 4.0):
        progress.step(step(loss))
    progress.epoch(epoch(1, 2))
    assert progress.steps == 2
