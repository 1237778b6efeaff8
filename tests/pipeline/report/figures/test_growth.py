"""What the figure of growth shows, from made-up results."""

import pytest

from pipeline.params.schema import load_params
from pipeline.report.figures.growth import growth_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.pipeline.conftest import growing
from tests.pipeline.report.figures.drawn import texts


def test_what_growth_shows(grid: Workspace) -> None:
    """By hand: factors of ours, of the paper, and of arithmetic, which for GAM are 2."""
    growing(grid, "gam", 1.1, 8192)
    figure = growth_figures(load_params(), load_published())["growth"]
    time, memory = figure.axes
    heights = [list(line.get_ydata()) for line in time.lines]
    assert any(ys == pytest.approx([2**1.1] * 4) for ys in heights if len(ys) == 4)
    assert any(ys == pytest.approx([2.0] * 4) for ys in heights if len(ys) == 4)
    assert any(ys == pytest.approx([279.37 / 74.19]) for ys in heights)
    assert any(list(line.get_ydata()) == pytest.approx([7483.92 / 1964.79]) for line in memory.lines)
    told = " ".join(texts(figure).split())
    assert "x2 (1.87 to 2.14) and as x4 (3.48 to 4.59)" in told
    assert "Exponents of time from T = 1024 on: GAM (Full) 1.10 [1.10, 1.10]." in told
    assert "Transformer 1" not in told


@pytest.mark.usefixtures("grid")
def test_nothing_measured() -> None:
    figure = growth_figures(load_params(), load_published())["growth"]
    assert all("not run" in texts(axes) for axes in figure.axes)
    assert "Exponents" not in texts(figure)
