"""Losses beside those of n-gram counts."""

import pytest

from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_ngrams
from tests.pipeline.conftest import verdicts, write_losses

FREQUENCIES, PAIRS = "models learned only word frequencies", "models worse than word-pair counts"


@pytest.mark.parametrize(
    ("unigram", "bigram", "told", "remark"),
    [
        (5.0, 4.5, "0.0000 nats below that of a unigram count", FREQUENCIES),
        (5.009, 4.5, "0.0090 nats below that of a unigram count", FREQUENCIES),
        (5.1, 4.9, "0.1000 nats above that of a bigram count", PAIRS),
        (6.1, 5.1, "0.1000 nats below that of a bigram count", None),
    ],
)
def test_beside_counts(grid: Workspace, unigram: float, bigram: float, told: str, remark: str | None) -> None:
    """A verdict on models that did not learn says so; the verdict stays what the rule makes it."""
    write_ngrams(unigram, bigram)
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "the lowest mean loss" not in claims.read_text()
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)  # GAM's mean is 5: each seed adds one to the one before
    assert verdicts(grid)["C3"] == "reproduced"
    for answer in answers(load_params()):
        if answer.dataset is not None:
            assert answer.baselines is not None
            assert answer.baselines.remark == remark
    text = claims.read_text()
    assert "- stories, 10 steps: the lowest mean loss of a model lies " in text
    assert told in text
    assert (f"So {remark}: verdicts on losses" in text) == bool(remark)
    for file in (claims, paths.PAPER_TABLES / "answers.md"):
        row = next(line for line in file.read_text().splitlines() if "#c3)" in line)
        assert (f"| **reproduced**; {remark} " in row) == bool(remark)


@pytest.mark.usefixtures("grid")
def test_nothing_is_said_of_models_on_a_text_that_was_not_counted() -> None:
    write_losses(gam=4.0, transformer=5.0)
    assert {answer.baselines for answer in answers(load_params())} == {None}
