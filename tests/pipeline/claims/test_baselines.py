"""Losses beside those of counts."""

import pytest

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import (
    write_ngrams,
)
from tests.pipeline.conftest import verdicts, write_losses


@pytest.mark.parametrize(
    ("unigram", "bigram", "told", "remark"),
    [
        (5.0, 4.5, "0.0000 nats below that of a unigram count", "no model learned more than frequencies"),
        (5.009, 4.5, "0.0090 nats below that of a unigram count", "no model learned more than frequencies"),
        (5.1, 4.9, "0.1000 nats above that of a bigram count", "no model beats a bigram count"),
        (6.1, 5.1, "0.1000 nats below that of a bigram count", ""),
    ],
)
def test_what_the_losses_are_worth(grid: Workspace, unigram: float, bigram: float, told: str, remark: str) -> None:
    """A verdict on models that did not learn says so; the verdict stays what the rule makes it."""
    write_ngrams(unigram, bigram)
    grid.call(tables)
    finding, claims = (paths.PAPER_TABLES / name for name in ("finding.md", "claims.md"))
    link = "(../results/ngrams/stories.json)"
    assert f"| not run | 0 | [{unigram:.4f}]{link} | [{bigram:.4f}]{link} |" in finding.read_text()
    assert "the lowest mean loss" not in finding.read_text()
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)  # GAM's mean is 5: each seed adds one to the one before
    assert verdicts(grid)["C3"] == "reproduced"
    for file in (finding, claims):
        text = file.read_text()
        assert "- stories, family paper, 10 steps: the lowest mean loss of a model lies " in text
        assert told in text
        assert (f"So {remark}: verdicts by losses" in text) == bool(remark)
        assert (f"**reproduced ({remark})**" in text) == bool(remark)
        assert ("**reproduced**" in text) != bool(remark)
    grid.edit({"models": {"mamba": {"block_size": 16}}})
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)
    grid.call(tables)
    assert "the lowest mean loss" not in claims.read_text()  # counted in larger blocks than Mamba saw
