"""What the figures over lengths show, from made-up results."""

import pytest
from matplotlib.axes import Axes

from pipeline.params.schema import load_params
from pipeline.report.figures.scaling import scaling_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.pipeline.report.figures.drawn import texts, write_all


def test_what_scaling_shows(workspace: Workspace) -> None:
    """By hand: the medians at each length, the lines of the paper, and the lengths where memory ran out."""
    write_all(workspace)
    params, published = load_params(), load_published()
    strip, axes = scaling_figures(params, published)["compute_time"].axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert ([64, 128], pytest.approx([12.8, 25.6])) in lines
    assert ([64, 128, 256], pytest.approx([12.8, 25.6, 51.2])) in lines
    assert ([256, 512, 1024, 2048], [8.90, 23.86, 74.19, 279.37]) in lines
    assert shortages(strip) == {"published": [4096, 8192], "reproduced": [256]}
    assert "not run" not in texts(axes)
    strip, axes = scaling_figures(params, published)["peak_memory"].axes
    assert shortages(strip) == {"published": [4096, 8192], "reproduced": [256], "14.6 GiB cap": [256]}
    assert ([64, 128, 256], [128, 256, 512]) in [
        (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines
    ]


def shortages(strip: Axes) -> dict[str, list[float]]:
    """The lengths with a cross, by row."""
    rows = [label.get_text() for label in strip.get_yticklabels()]
    crosses = [list(line.get_xdata()) for line in strip.lines if line.get_marker() == "x"]
    return dict(zip(rows, crosses, strict=True))
