"""Which trainings run: those whose process lives. Their files may be old, damaged or gone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.watching.trainings import at_work, curve_of, curves, places
from tests.made_up import write_run
from tests.made_up_trainings import HASH, write_training


@pytest.mark.usefixtures("in_a_folder")
def test_those_whose_process_lives() -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    write_training(10, 20, epochs=[20])
    write_training(30, model="transformer", pid=dead.pid)
    (training,) = at_work(places()[0])
    assert (training.key, training.name) == ("stories/gam/seed-0/5e6987fe", "stories gam seed 0")
    assert training.progress is not None
    assert training.progress.step == 20
    assert [epoch.steps for epoch in training.progress.epochs] == [20]


@pytest.mark.usefixtures("in_a_folder")
def test_a_process_of_the_same_number_is_another_one() -> None:
    write_training(10)
    pid = paths.lock("stories", "gam", 0).with_suffix(".pid")
    long_ago = time.time() - 10**6
    os.utime(pid, (long_ago, long_ago))
    assert at_work(places()[0]) == []


@pytest.mark.usefixtures("in_a_folder")
def test_what_another_training_left() -> None:
    """With other parameters, or of the learning rate before: the file of this one is the youngest."""
    old = write_training(90, depends_on="a" * 64) / paths.PROGRESS
    long_ago = time.time() - 100
    os.utime(old, (long_ago, long_ago))
    (training,) = at_work(places()[0])
    assert (training.key, training.name, training.progress) == ("stories/gam/seed-0", "stories gam seed 0", None)
    write_training(10)
    (training,) = at_work(places()[0])
    assert training.saves.name == HASH


@pytest.mark.parametrize("content", [b"", b'{"run": "stories gam', b"[]", b'{"run": 3}', b"\xff\x00"])
@pytest.mark.usefixtures("in_a_folder")
def test_a_file_that_is_damaged(content: bytes) -> None:
    (write_training(10) / paths.PROGRESS).write_bytes(content)
    (training,) = at_work(places()[0])
    assert (training.key, training.progress) == ("stories/gam/seed-0/5e6987fe", None)


@pytest.mark.usefixtures("in_a_folder")
def test_scratch_copies_are_places_too() -> None:
    copy = Path(".quickstart", "stories")
    copy.mkdir(parents=True)
    (copy.parent / "stories.lock").touch()
    write_training(10, place=copy)
    here, there = places()
    assert at_work(here) == []
    assert [training.key for training in at_work(there)] == ["stories/stories/gam/seed-0/5e6987fe"]


@pytest.mark.usefixtures("workspace")
def test_curves_that_are_damaged_are_named() -> None:
    for seed in (0, 1):
        write_run("gam", seed, [5.0, 4.0])
    paths.curve("stories", "gam", 1).write_text("{")
    found, wrong = curves(places()[0])
    assert [curve.seed for curve in found.values()] == [0]
    assert [str(paths.curve("stories", "gam", 1)) in line for line in wrong] == [True]


@pytest.mark.usefixtures("workspace")
def test_the_curve_of_another_training_is_not_taken() -> None:
    """Nor is a damaged one."""
    write_run("gam", 0, [5.0])
    (key,) = curves(places()[0])[0]
    write_training(10, depends_on=HASH)
    (training,) = at_work(places()[0])
    assert curve_of(training) is None
    write_training(10, depends_on=key.split("/")[-1] + "0" * 56)
    (training,) = at_work(places()[0])
    curve = curve_of(training)
    assert curve is not None
    assert curve.epochs[-1].validation_loss == 5.0
    paths.curve("stories", "gam", 0).write_text("{")
    assert curve_of(training) is None
