"""Figures from result files: always all of them, the same bytes everywhere, nothing written where a result is wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.artist import Artist
from matplotlib.text import Text

from pipeline.artifacts.records import Clock, EpochSeconds, write_result
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.figures import main as figures
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.report.figures.learning import learning_figures
from pipeline.report.figures.scaling import scaling_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace, reduced_grid
from tests.made_up import run_fields, scaling_point, write_run, write_scaling

NAMES = ["compute_time", "epoch_time", "gam_block", "peak_memory", "validation_loss", "validation_perplexity"]
FILES = [f"{name}.{kind}" for name in NAMES for kind in ("pdf", "svg")]


def scaling(model: str, fits: int) -> None:
    """Lengths 64 to 256; from the one above `fits` on it is out of memory."""
    points = [
        scaling_point(length, memory, [0.1 * length, 0.2 * length, 0.4 * length], 2.0 * length)
        if length <= fits
        else scaling_point(length, memory, [], None)
        for memory in ("device", "t4")
        for length in (64, 128, 256)
    ]
    write_scaling(model, points)


def write_all(workspace: Workspace) -> None:
    workspace.edit({"grid": {"seeds": [0, 1, 2], "scaling_models": ["transformer", "gam"]}})
    for model, loss in (("transformer", 3.0), ("gam", 2.5)):
        for seed in (0, 1, 2):
            write_run(model, seed, [loss + 1 + 0.1 * seed, loss + 0.5 + 0.1 * seed])
    scaling("transformer", 128)
    scaling("gam", 256)


def written() -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(paths.PAPER_TABLES.iterdir())}


def texts(drawn: Artist) -> str:
    """Everything that is written in a figure, or in a part of it."""
    return "\n".join(text.get_text() for text in drawn.findobj(Text))


def test_without_any_result(workspace: Workspace) -> None:
    workspace.call(figures)
    files = written()
    assert list(files) == FILES
    assert all(content.startswith(b"%PDF" if name.endswith("pdf") else b"<?xml") for name, content in files.items())
    params, published = load_params(), load_published()
    for figure in (scaling_figures(params, published) | learning_figures(params, published)).values():
        assert "not run" in texts(figure)


def test_what_scaling_shows(workspace: Workspace) -> None:
    """By hand: the medians at each length, the lines of the paper, and the lengths where memory ran out."""
    write_all(workspace)
    params, published = load_params(), load_published()
    strip, axes = scaling_figures(params, published)["compute_time"].axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert ([64, 128], pytest.approx([12.8, 25.6])) in lines
    assert ([64, 128, 256], pytest.approx([12.8, 25.6, 51.2])) in lines
    assert ([256, 512, 1024, 2048], [8.90, 23.86, 74.19, 279.37]) in lines
    rows = [label.get_text() for label in strip.get_yticklabels()]
    assert rows == ["published", "reproduced", "14.6 GiB cap"]
    crosses = [list(line.get_xdata()) for line in strip.lines if line.get_marker() == "x"]
    assert crosses == [[4096, 8192], [256], [256]]
    assert "not run" not in texts(axes)


def test_what_the_epochs_show(workspace: Workspace) -> None:
    """By hand: means of three seeds, and t(0.975, 2) from a printed table times 0.1 / sqrt(3)."""
    write_all(workspace)
    (axes,) = learning_figures(load_params(), load_published())["validation_loss"].axes
    assert axes.get_title() == "stories, n = 3"
    transformer, gam = (list(line.get_ydata()) for line in axes.lines)
    assert transformer == pytest.approx([4.1, 3.6])
    assert gam == pytest.approx([3.6, 3.1])
    bottom, top = axes.collections[1].get_datalim(axes.transData).intervaly
    assert (bottom, top) == pytest.approx((3.1 - 4.302653 * 0.1 / 3**0.5, 3.6 + 4.302653 * 0.1 / 3**0.5))


def test_a_panel_for_each_grid(workspace: Workspace) -> None:
    """A model has the same look in all of them, by its name in the tables."""
    workspace.edit(reduced_grid(read_yaml(workspace.folder / "params.yaml")))
    write_all(workspace)
    write_run("gam-reduced", 0, [4.0, 3.5], dataset="less")
    paper, reduced = learning_figures(load_params(), load_published())["validation_loss"].axes
    assert [paper.get_title(), reduced.get_title()] == ["stories, n = 3", "less, reduced, n = 1"]
    (line,) = reduced.lines
    assert list(line.get_ydata()) == [4.0, 3.5]
    assert line.get_color() == paper.lines[1].get_color()
    assert "not run: Transformer (fused)" in texts(reduced)


ELSEWHERE = [
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "MPLBACKEND": "svg"},
]


@pytest.mark.parametrize("settings", ELSEWHERE)
def test_same_bytes_everywhere(workspace: Workspace, settings: dict[str, str]) -> None:
    """Without torch, and whatever the user's own settings of matplotlib are."""
    write_all(workspace)
    workspace.call(figures)
    before = written()
    shutil.rmtree(paths.PAPER_TABLES)
    Path("matplotlibrc").write_text("font.size: 20\nsvg.fonttype: none\n")
    without_torch = "import sys; sys.modules['torch'] = None; from pipeline.figures import main; main()"
    environment = os.environ | settings | {"PYTHONPATH": str(HOUSE)}
    subprocess.run([sys.executable, "-c", without_torch], env=environment, check=True)
    assert written() == before


def test_damaged_results(workspace: Workspace, refusal: Callable[..., str]) -> None:
    write_all(workspace)
    workspace.call(figures)
    before = written()
    for file, message in (
        (paths.clock("stories", "gam", 2), "clocks/stories/gam/seed-2.json is not valid JSON"),
        (paths.curve("stories", "gam", 1), "curves/stories/gam/seed-1.json is not valid JSON"),
        (paths.scaling("gam"), "gam.json is not valid JSON"),
    ):
        text = file.read_text()
        file.write_text(text[:-3])
        assert message in refusal(figures)
        file.write_text(text)
    assert written() == before


def test_epochs_of_very_different_length(workspace: Workspace) -> None:
    """One run was stopped for a while: the interval of the mean reaches below 0, where no logarithm is."""
    write_all(workspace)
    for seed, seconds in enumerate((10.0, 10.0, 500.0)):
        epochs = [
            EpochSeconds(epoch=e, train_seconds=seconds, validation_seconds=1, tokens_per_second=7) for e in (1, 2)
        ]
        write_result(paths.clock("stories", "gam", seed), Clock(**run_fields("gam", seed), epochs=epochs))
    workspace.call(figures)
    assert list(written()) == FILES
    (axes,) = learning_figures(load_params(), load_published())["epoch_time"].axes
    bottom, top = axes.get_ylim()
    assert 0 < bottom < 15
    assert top > 173


def test_a_loss_without_a_perplexity(workspace: Workspace) -> None:
    for model, loss in (("gam", 800.0), ("transformer", 707.0)):
        write_run(model, 0, [loss])
    workspace.call(figures)
    assert list(written()) == FILES
