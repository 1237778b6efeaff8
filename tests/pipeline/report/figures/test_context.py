"""What the figures of losses by position and by context show, from made-up results."""

import pytest

from pipeline.base import paths
from pipeline.figures import main as figures
from pipeline.params.schema import load_params
from pipeline.report.figures.context import context_figures, doubling
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import run_fields, write_inside, write_metrics, write_ngrams
from tests.pipeline.conftest import written
from tests.pipeline.report.figures.drawn import FILES, texts, write_all

NAMES = ("loss_by_context", "loss_by_position")


def test_parts_that_double() -> None:
    assert doubling(1) == [(0, 1)]
    assert doubling(8) == [(0, 1), (1, 2), (2, 4), (4, 8)]
    assert doubling(6) == [(0, 1), (1, 2), (2, 4), (4, 6)]


def test_only_where_one_looked_inside(workspace: Workspace) -> None:
    write_all(workspace)
    workspace.call(figures)
    assert list(written(paths.FIGURES)) == FILES
    write_inside("gam", 0)
    workspace.call(figures)
    more = {f"{name}.{kind}" for name in NAMES for kind in ("pdf", "svg")}
    assert written(paths.FIGURES).keys() == {*FILES, *more}  # a run without parts has no figure of them
    before = written(paths.FIGURES)
    workspace.call(figures)
    assert written(paths.FIGURES) == before


def test_what_they_show(workspace: Workspace) -> None:
    """By hand: means of three runs, bins of positions, and t(0.975, 2) from a printed table times 0.1 / sqrt(3)."""
    write_all(workspace)
    for seed in range(3):
        write_inside("gam", seed, position_losses=[5.0 + 0.1 * seed - at / 31 for at in range(32)])
        write_metrics(run_fields("gam", seed), reach_by_gradient=5, reach_by_change=4)
    write_ngrams(6.5, 4.5, trigram=3.9)
    made = context_figures(load_params(), load_published())
    (by_position,), (by_context,) = made["loss_by_position"].axes, made["loss_by_context"].axes
    assert by_position.get_title() == "stories, n = 3"
    gam, *counts = by_position.lines
    assert list(gam.get_xdata()) == [1, 2, 3.5, 6.5, 12.5, 24.5]
    assert list(gam.get_ydata()) == pytest.approx([5.1 - at / 31 for at in (0, 1, 2.5, 5.5, 11.5, 23.5)])
    band = by_position.collections[0].get_datalim(by_position.transData).intervaly
    width = 4.302653 * 0.1 / 3**0.5
    assert tuple(band) == pytest.approx((5.1 - 23.5 / 31 - width, 5.1 + width))
    assert [line.get_ydata()[0] for line in counts] == [4.5, 3.9]  # the unigram's is far above all else
    assert "unigram\n6.50 ↑" in texts(by_position)
    (gam, reach) = by_context.lines
    assert list(gam.get_xdata()) == [1, 2, 4, 8, 16, 32]
    assert list(gam.get_ydata()) == pytest.approx([5 - power / 5 for power in range(6)])
    assert list(reach.get_xdata()) == [5, 5]
    assert "reach of GAM: 5" in texts(by_context)
    assert all("Not run: Transformer" in texts(figure) for figure in made.values())


def test_a_model_looks_the_same_whichever_others_are_missing(workspace: Workspace) -> None:
    write_all(workspace)
    write_inside("gam", 0)
    alone = context_figures(load_params(), load_published())["loss_by_context"].axes[0].lines[0]
    write_inside("transformer", 0)
    (axes,) = context_figures(load_params(), load_published())["loss_by_context"].axes
    assert len(axes.lines) == 3  # and the reach of GAM
    assert axes.lines[1].get_color() == alone.get_color() != axes.lines[0].get_color()
    assert "Not run: GAM (Sum Fusion)." in texts(axes.figure)
