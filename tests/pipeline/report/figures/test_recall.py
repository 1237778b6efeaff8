"""What the figure of recall shows, from made-up results."""

import pytest

from pipeline.params.schema import load_params
from pipeline.report.figures.recall import recall_figure
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import write_recall
from tests.pipeline.conftest import RECALL
from tests.pipeline.report.figures.drawn import texts


def test_what_recall_shows(workspace: Workspace) -> None:
    """Means by distance, the chance line, and the reach of the convolutions between the last distance and the next."""
    workspace.edit({"recall": RECALL})
    write_recall("copying", "gam", {1: {1: 1.0}, 2: {2: 0.9}, 5: {5: 0.25}})
    copying, associative, facts = recall_figure(load_params(), load_published()).axes
    gam, chance, reach = copying.lines
    assert list(gam.get_xdata()) == pytest.approx([1, 2, 5])
    assert list(gam.get_ydata()) == pytest.approx([1.0, 0.9, 0.25])
    assert chance.get_ydata() == [0.25, 0.25]
    assert 4 < reach.get_xdata()[0] < 5
    assert "reach 5" in texts(copying)
    assert "not run" not in texts(copying)
    assert "not run" in texts(associative)
    assert "not run" in texts(facts)
