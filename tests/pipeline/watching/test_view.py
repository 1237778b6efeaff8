"""What stands on the terminal, and what in a file."""

import os
import shutil
import time

import pytest

from pipeline.watching.trainings import at_work, places
from pipeline.watching.view import Lines, Table
from tests.made_up_trainings import write_training


@pytest.mark.usefixtures("in_a_folder")
def test_a_table_is_drawn_over_the_one_before(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    write_training(10, 20, epochs=[20])
    write_training(model="transformer")
    table = Table()
    table.show(at_work(places()[0]))
    first = capsys.readouterr().out
    assert "\x1b" not in first
    assert [line.split() for line in first.splitlines()] == [
        ["training", "epoch", "step", "loss", "tokens/s", "left"],
        ["-" * width for width in (26, 7, 6, 6, 10, 6)],
        ["stories", "gam", "seed", "0", "2", "20/100", "4.8000", "1,234", "01:15"],
        ["stories", "transformer", "seed", "0", "1", "0/100", "–", "–", "–"],
    ]
    table.say("something")
    assert capsys.readouterr().out == "\x1b[4F\x1b[Jsomething\n"
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((20, 24)))
    table.show(at_work(places()[0]))
    narrow = capsys.readouterr().out
    assert "\x1b" not in narrow, "the table went when something was said"
    assert {len(line) for line in narrow.splitlines()} == {19}


@pytest.mark.usefixtures("in_a_folder")
def test_lines_come_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = Lines()
    said = []
    for seconds, step in ((0, 10), (10, 20), (6, 20), (20, 20), (1, 30)):
        now += seconds
        write_training(step)
        lines.show(at_work(places()[0]))
        said.append(capsys.readouterr().out.splitlines())
    at_ten = "stories gam seed 0: epoch 1, step 10/100, loss 4.9000, 1,234 tokens/s, 01:15 left"
    at_twenty = "stories gam seed 0: epoch 1, step 20/100, loss 4.8000, 1,234 tokens/s, 01:15 left"
    at_thirty = "stories gam seed 0: epoch 1, step 30/100, loss 4.7000, 1,234 tokens/s, 01:15 left"
    assert said == [[at_ten], [], [at_twenty], [], [at_thirty]]


@pytest.mark.usefixtures("in_a_folder")
def test_what_is_not_known(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever begins or ends is not spoken of before it is clear that nothing more will be known."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = Lines()
    said = []
    for step in ([], [], [10]):
        write_training(*step, losses=[None] * len(step))
        lines.show(at_work(places()[0]))
        said.append(capsys.readouterr().out.splitlines())
        now += 20
    assert said == [
        [],
        ["stories gam seed 0: runs, no step is known"],
        ["stories gam seed 0: epoch 1, step 10/100, loss not finite, 1,234 tokens/s, 01:15 left"],
    ]
