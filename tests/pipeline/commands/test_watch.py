"""The command watch: what it shows and tells while trainings begin, are killed and end; and that they do not notice."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands import watch as command
from pipeline.commands.watch import Watch, main
from pipeline.train import main as train
from pipeline.training import progress
from pipeline.watching.telling import Teller
from pipeline.watching.view import Lines
from tests.conftest import Workspace
from tests.made_up import write_run
from tests.made_up_trainings import notebook, steps_of, write_training
from tests.pipeline.conftest import RUN

GAM, TRANSFORMER = "stories/gam/seed-0/5e6987fe", "stories/transformer/seed-0/5e6987fe"


def watching() -> tuple[Watch, list[tuple[Any, ...]]]:
    """A watch, and what its tracker hears."""
    tracker, heard = notebook()
    return Watch(Lines(), Teller(tracker, paths.TRACKED / "notebook")), heard


@pytest.mark.usefixtures("in_a_folder")
def test_one_that_begins_and_one_that_is_killed_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    watch, heard = watching()
    assert not watch.look()
    write_training(10, 20)
    assert watch.look()
    write_training(10, 20, 30, model="transformer")
    assert watch.look()
    write_training(10, 20, 30, pid=2**22 + 1)
    assert watch.look(), "the other one still runs"
    write_training(10, 20, 25)
    watch.look()
    write_training(10, 20, 25, 35)
    watch.look()
    assert steps_of(heard, GAM) == [10, 20, 30, 35]
    assert steps_of(heard, TRANSFORMER) == [10, 20, 30]
    assert [each[1] for each in heard if each[0] == GAM and len(each) == 2] == ["begin", "end", "begin"]
    assert "stories gam seed 0 was stopped after step 30/100" in capsys.readouterr().out.splitlines()


def test_one_that_ends_between_two_looks(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file is gone, and its curve has the epochs that nobody saw."""
    assert workspace
    write_run("gam", 0, [5.0, 4.5])
    (key,) = command.curves(Path())[0]
    saves = write_training(2, 5, epochs=[5], depends_on=key.rpartition("/")[2] + "0" * 56)
    curve = paths.curve("stories", "gam", 0)
    curve.rename("hidden")
    watch, heard = watching()
    watch.look()
    Path("hidden").rename(curve)
    shutil.rmtree(saves)
    watch.look()
    assert steps_of(heard, key) == [2, 5, 5, 10]
    assert heard[-1] == (key, "end")
    assert capsys.readouterr().out.splitlines()[-1] == "stories gam seed 0 has ended, validation loss 4.5000"


@pytest.mark.usefixtures("in_a_folder")
def test_one_that_leaves_no_curve(capsys: pytest.CaptureFixture[str]) -> None:
    """As those of `tune` do, whose saves stay until all learning rates are tried."""
    watch, heard = watching()
    write_training(50, 100, epochs=[100])
    watch.look()
    write_training(10, depends_on="a" * 64)
    watch.look()
    assert steps_of(heard, GAM) == [50, 100, 100]
    assert "stories gam seed 0 has ended" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("in_a_folder")
def test_a_damaged_file_is_passed_over(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was known of it is shown, and the next good one is told."""
    monkeypatch.setattr("pipeline.watching.view.SECONDS_BETWEEN", 0.0)
    watch, heard = watching()
    saves = write_training(10)
    watch.look()
    (saves / paths.PROGRESS).write_text('{"run": "stor')
    assert watch.look()
    write_training(10, 20)
    watch.look()
    assert steps_of(heard, GAM) == [10, 20]
    said = capsys.readouterr().out.splitlines()
    assert ["step 10/100" in said[0], "step 20/100" in said[1], len(said)] == [True, True, 2]


def test_finished_runs_are_told_once(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert workspace
    write_run("gam", 0, [5.0, 4.5])
    write_run("transformer", 0, [5.0])
    paths.curve("stories", "transformer", 0).write_text("{")
    first, heard = watching()
    first.tell_finished()
    again, nothing = watching()
    again.tell_finished()
    assert [each[1] for each in heard] == ["begin", 5, 10, "end"]
    assert nothing == []
    warning = f"warning: {paths.curve('stories', 'transformer', 0)} is not valid JSON"
    assert [line.startswith(warning) for line in capsys.readouterr().out.splitlines()] == [True, True]


@pytest.mark.parametrize("where", ["begin", "log", "end"])
@pytest.mark.usefixtures("in_a_folder")
def test_a_tracker_that_fails(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and watching goes on."""

    def fail(*_given: object) -> None:
        raise ConnectionError("no\nnetwork")

    tracker, _ = notebook()
    failing: Any = type("Failing", (tracker,), {{"begin": "__init__"}.get(where, where): fail})
    watch = Watch(Lines(), Teller(failing, paths.TRACKED / "failing"))
    for step in (10, 20):
        write_training(step, model="transformer")
        write_training(step)
        assert watch.look()
    watch.end()
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]
    assert warnings == [
        "warning: the tracker failed, and learns no more (ConnectionError: no network); trainings and this view go on"
    ]


@pytest.mark.usefixtures("in_a_folder")
def test_two_views_see_the_same_and_touch_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write_training(10)
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in Path().rglob("*") if file.is_file()}
    said = []
    for view in (Watch(Lines(), None), Watch(Lines(), None)):
        view.look()
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != ""
    after = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in Path().rglob("*") if file.is_file()}
    assert after == before


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short looks and little patience; the process's signal handlers come back."""
    monkeypatch.setattr(command, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(command, "PATIENCE", 0.2)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("quick")
def test_the_command(
    workspace: Workspace,
    refusal: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace.call(main)
    assert capsys.readouterr().out == "no training runs now: watching ends unless one begins within 0 s\n"
    assert "unknown tracker 'wandbb' (did you mean 'wandb'?)" in refusal(main, "--tracker", "wandbb")
    write_run("gam", 0, [5.0])
    tracker, heard = notebook()
    monkeypatch.setattr(command, "tracker_named", lambda _name: tracker)
    workspace.call(main, "--tracker", "tensorboard")
    assert [each[1] for each in heard] == ["begin", 5, "end"]
    assert capsys.readouterr().out.splitlines()[-1] == "to look at it: look into work/tracked/tensorboard"


def test_ctrl_c(in_a_folder: Path) -> None:
    write_training(10)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "watch"],
        cwd=in_a_folder, env=os.environ | {"PYTHONPATH": str(HOUSE)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "step 10/100" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error.splitlines()) == (
        130,
        ["stopped by SIGINT, everything is saved: the same command goes on from here"],
    )


@pytest.mark.usefixtures("quick")
def test_a_training_that_is_watched_gives_the_same_bytes(tokenised: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its steps and its curve are told of one and the same training, each once."""
    tokenised.edit({"runtime": {"threads": 1}, "train": {"epochs": 1}})
    outputs = (paths.weights("stories", "gam", 0), paths.curve("stories", "gam", 0))
    tokenised.call(train, *RUN)
    alone = [path.read_bytes() for path in outputs]
    for path in (*outputs, paths.clock("stories", "gam", 0)):
        path.unlink()
    monkeypatch.setattr(progress, "WRITE_EVERY", 0.0)
    monkeypatch.setattr(command, "PATIENCE", 60.0)
    watch, heard = watching()
    watcher = threading.Thread(target=watch.to_the_end)
    watcher.start()
    tokenised.call(train, *RUN)
    monkeypatch.setattr(command, "PATIENCE", 0.0)
    watcher.join()
    assert [path.read_bytes() for path in outputs] == alone
    watch.tell_finished()
    assert len({each[0] for each in heard}) == 1
    points = [each[1] for each in heard if len(each) == 3 and "loss" in each[2]]
    epochs = [each[1] for each in heard if len(each) == 3 and "validation_loss" in each[2]]
    assert points == sorted(set(points)) != []
    assert epochs == [29]
