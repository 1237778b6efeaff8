"""A tracker learns of each point and each epoch once."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.records import EpochLosses
from pipeline.base.errors import UserError
from pipeline.watching.telling import Teller
from pipeline.watching.trainings import Point
from tests.made_up_trainings import notebook, steps_of


def points(*steps: int) -> list[Point]:
    return [Point(step=step, loss=5.0, learning_rate=0.5, tokens_per_second=100.0) for step in steps]


def epochs(*steps: int) -> list[EpochLosses]:
    return [EpochLosses(epoch=at, steps=step, train_loss=4.5, validation_loss=4.25) for at, step in enumerate(steps, 1)]


def test_in_the_order_of_steps(tmp_path: Path) -> None:
    tracker, heard = notebook()
    teller = Teller(tracker, tmp_path)
    teller.tell("run", points(5, 10, 15), epochs(10))
    teller.end_all()
    of_point = {"loss": 5.0, "learning_rate": 0.5, "tokens_per_second": 100.0}
    of_epoch = {"train_loss": 4.5, "validation_loss": 4.25}
    assert heard == [
        ("run", "begin"),
        ("run", 5, of_point),
        ("run", 10, of_point),
        ("run", 10, of_epoch),
        ("run", 15, of_point),
        ("run", "end"),
    ]


def test_a_loss_that_is_not_finite_is_left_out(tmp_path: Path) -> None:
    tracker, heard = notebook()
    point = Point(step=5, loss=None, learning_rate=0.5, tokens_per_second=100.0)
    Teller(tracker, tmp_path).tell("run", [point], [])
    assert heard[-1] == ("run", 5, {"learning_rate": 0.5, "tokens_per_second": 100.0})


def test_a_killed_training_that_goes_on(tmp_path: Path) -> None:
    """It comes back to steps that were told: neither these nor the epoch are told twice, nor do steps go back."""
    tracker, heard = notebook()
    teller = Teller(tracker, tmp_path)
    teller.tell("run", points(5, 10, 15, 20), epochs(10))
    teller.end("run")
    teller.tell("run", points(5, 10, 13, 18), epochs(10))
    teller.tell("run", points(5, 10, 13, 18, 23), epochs(10, 23))
    assert steps_of(heard, "run") == [5, 10, 10, 15, 20, 23, 23]


def test_watching_again(tmp_path: Path) -> None:
    """What was told before is known, and a tracker with nothing to hear is not begun."""
    tracker, heard = notebook()
    for _ in range(2):
        teller = Teller(tracker, tmp_path)
        teller.tell("run", points(5, 10), epochs(10))
        teller.end_all()
    Teller(tracker, tmp_path).tell("run", points(5, 10, 15), epochs(10))
    assert steps_of(heard, "run") == [5, 10, 10, 15]
    assert sum(each[1] == "begin" for each in heard) == 2


def test_an_epoch_that_a_damaged_file_lacked(tmp_path: Path) -> None:
    tracker, heard = notebook()
    teller = Teller(tracker, tmp_path)
    first, second = epochs(10, 20)
    teller.tell("run", points(20), [second])
    teller.tell("run", [], [first, second])
    assert steps_of(heard, "run") == [20, 20, 10]


def test_a_tracker_that_fails_in_the_middle(tmp_path: Path) -> None:
    """What it took is noted, and the rest is told when it works again."""
    tracker, heard = notebook()

    class Failing(tracker):  # type: ignore[misc, valid-type]
        def log(self, step: int, values: Any) -> None:
            if step == 15:
                raise RuntimeError("no")
            super().log(step, values)

    with pytest.raises(RuntimeError, match="no"):
        Teller(Failing, tmp_path).tell("run", points(5, 10, 15, 20), epochs(10))
    Teller(tracker, tmp_path).tell("run", points(5, 10, 15, 20), epochs(10))
    assert steps_of(heard, "run") == [5, 10, 10, 15, 20]


def test_damaged_notes(tmp_path: Path) -> None:
    (tmp_path / "told.json").write_text("{")
    with pytest.raises(UserError, match=r"told\.json is damaged: delete .*, and all is told anew"):
        Teller(notebook()[0], tmp_path)
