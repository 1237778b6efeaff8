"""Losses beside those of n-gram counts."""

import pytest

from pipeline.base import paths
from pipeline.claims.baselines import Baselines, baselines
from pipeline.claims.comparisons import ComparedRuns
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.pipeline.conftest import write_losses


def beside() -> Baselines | None:
    return baselines(ComparedRuns(load_params(), "stories", "paper"))


def test_the_lowest_mean_beside_every_count(grid: Workspace) -> None:
    write_losses((7.5, 6.0), transformer=5.5, gam=5.0)
    found = beside()
    assert found == Baselines(best="gam", loss=pytest.approx(7.0002), counts={"unigram": 7.5, "bigram": 6.0}, steps=10)
    grid.call(tables)
    line = (
        "- stories, 10 steps: the lowest mean loss, GAM's, lies 0.4998 nats below the unigram count, "
        "1.0002 nats above the bigram count."
    )
    assert line in (paths.PAPER_TABLES / "claims.md").read_text().splitlines()


@pytest.mark.usefixtures("grid")
def test_nothing_is_said_where_nothing_was_trained_or_counted() -> None:
    write_losses()
    assert beside() is None
    paths.ngrams("stories").unlink()
    write_losses(None, gam=4.0, transformer=5.0)
    assert beside() is None
