"""The figure of learning rates, from made-up trials."""

import pytest

from pipeline.base import paths
from pipeline.figures import main as figures
from pipeline.params.schema import load_params
from pipeline.report.figures.tuning import tuning_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import write_tuning
from tests.pipeline.conftest import written
from tests.pipeline.report.figures.drawn import write_all

LOSSES = {0.001: 5.0, 0.002: 4.0, 0.004: None}


def test_a_line_for_each_model_and_a_circle_at_its_best(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"protocol": "small"}}})
    assert tuning_figures(load_params(), load_published()) == {}
    write_tuning("gam", LOSSES)
    write_tuning("transformer", LOSSES | {0.001: 3.5})
    (axes,) = tuning_figures(load_params(), load_published())["tuning"].axes
    transformer, best_of_transformer, gam, best_of_gam = axes.lines
    assert list(gam.get_xdata()) == [0.001, 0.002]
    assert list(gam.get_ydata()) == [1.0, 0.0], "above its own best"
    assert list(transformer.get_ydata()) == [0.0, 0.5]
    assert [list(line.get_xdata()) for line in (best_of_transformer, best_of_gam)] == [[0.001], [0.002]]
    assert transformer.get_color() == best_of_transformer.get_color() != gam.get_color()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.001", "0.002", "0.004"]


@pytest.mark.parametrize("is_tuned", [True, False])
def test_the_stage_draws_it_where_rates_were_tuned(workspace: Workspace, is_tuned: bool) -> None:
    write_all(workspace)
    if is_tuned:
        workspace.edit({"families": {"paper": {"protocol": "small"}}})
        write_tuning("gam", LOSSES)
    workspace.call(figures)
    assert ("tuning.svg" in written(paths.FIGURES)) == is_tuned
