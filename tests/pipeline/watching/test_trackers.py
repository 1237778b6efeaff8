"""The trackers themselves, where their packages are there: what they wrote is read back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base.errors import UserError
from pipeline.watching import trackers
from pipeline.watching.trackers import TRACKERS, tracker_named


def log(name: str, folder: Path, *steps: int) -> None:
    """A loss that falls, after these steps of one training."""
    tracker = tracker_named(name)("stories/gam/seed-0/5e6987fe", folder)
    for step in steps:
        tracker.log(step, {"loss": 5 - step / 100})
    tracker.end()


def events(folder: Path) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "stories/gam/seed-0/5e6987fe"))
    read.Reload()
    return [(event.step, event.value) for event in read.Scalars("loss")]


def rows(folder: Path) -> list[tuple[int, float]]:
    header, *lines = (
        (folder / "stories/gam/seed-0/5e6987fe/plots/metrics/loss.tsv").read_text(encoding="utf-8").splitlines()
    )
    assert header == "step\tloss"
    return [(int(step), float(loss)) for step, loss in (line.split("\t") for line in lines)]


@pytest.mark.parametrize(("name", "read"), [("tensorboard", events), ("dvclive", rows)])
@pytest.mark.filterwarnings("ignore")  # of these packages and of what they load
def test_what_was_logged(
    name: str, read: Callable[[Path], list[tuple[int, float]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was ended goes on where it was."""
    pytest.importorskip(name, reason="it is not part of the container image")
    monkeypatch.chdir(tmp_path)
    log(name, tmp_path / "books", 10, 20)
    log(name, tmp_path / "books", 30)
    assert read(tmp_path / "books") == [(10, pytest.approx(4.9)), (20, pytest.approx(4.8)), (30, pytest.approx(4.7))]
    assert not list(tmp_path.rglob("dvc.yaml")), "DVC would take it for stages"


def test_a_name_that_is_none() -> None:
    with pytest.raises(UserError, match=r"unknown tracker 'tensorbord'.*did you mean 'tensorboard'"):
        tracker_named("tensorbord")


@pytest.mark.parametrize("name", TRACKERS)
def test_a_package_that_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match=rf"^{name} is not installed: pip install .*--editable '\.\[{name}\]'$"):
        tracker_named(name)
