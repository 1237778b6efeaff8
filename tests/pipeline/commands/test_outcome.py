"""What the quickstart says of its own numbers."""

import re
from pathlib import Path

import pytest

from pipeline.claims.intervals import estimate
from pipeline.commands.outcome import outcome, sentences
from tests.conftest import Workspace
from tests.made_up import write_recall, write_run
from tests.pipeline.conftest import RECALL

COUNTS = {"unigram": 5.0, "bigram": 3.0}


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ({"GAM": 2.0, "Mamba": 2.5}, "All end below the bigram count (3.0000)"),
        ({"GAM": 3.0, "Mamba": 3.5}, "None ends below the bigram count (3.0000)"),
        ({"GAM": 2.0, "Mamba": 3.5}, "GAM ends below the bigram count (3.0000)"),
        ({"GAM": 2.0, "Mamba": 2.5, "Transformer": 3.1}, "GAM and Mamba end below the bigram count (3.0000)"),
    ],
)
def test_sentences_say_what_the_numbers_say(losses: dict[str, float], told: str) -> None:
    text = " ".join(sentences({name: estimate([loss]) for name, loss in losses.items()}, COUNTS, 1200).split())
    assert text.startswith("After 1,200 steps GAM has the lowest mean loss, ")
    assert told in text
    above = [name for name, loss in losses.items() if loss >= 3.0]
    some = 0 < len(above) < len(losses)
    assert text.endswith(f"; {above[0]} does not." if some else "one token of context.")


def test_the_table_has_what_was_run_and_nothing_else(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}})
    for seed, loss in enumerate((4.0, 4.1, 4.2)):
        write_run("gam", seed, [5.0, loss])
    write_run("transformer", 0, [5.0, 3.5])
    text = outcome(workspace.folder)
    rows = [line.split() for line in text.splitlines() if line.startswith(("GAM", "Transformer", "Mamba"))]
    assert rows == [["Transformer", "3.5000", "1"], ["GAM", "(Full)", "4.1000", "3.8516", "to", "4.3484", "3"]]
    assert "Transformer has the lowest mean loss, 3.5000" in text
    assert Path.cwd() == workspace.folder


def test_what_was_copied_is_shown_by_distance(workspace: Workspace) -> None:
    """The convolutions of the tiny GAM reach five tokens."""
    workspace.edit({"recall": RECALL})
    assert "Copying" not in outcome(workspace.folder)
    write_recall("copying", "gam", {1: {1: 1.0}, 6: {6: 0.25}})
    told = outcome(workspace.folder)
    assert "share right, where a guess has 0.250; the convolutions of GAM (Full) reach 5 tokens" in told
    assert re.search(r"^GAM \(Full\) +1\.000 +0\.250$", told, re.MULTILINE)
    assert re.search(r"^Transformer +not run +not run$", told, re.MULTILINE)
