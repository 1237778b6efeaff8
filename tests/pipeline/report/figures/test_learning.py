"""What the figures over epochs show, from made-up results."""

import pytest

from pipeline.artifacts.records import Clock, EpochSeconds
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.figures import main as figures
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.report.figures.learning import learning_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace, reduced_family
from tests.made_up import run_fields, write_run
from tests.pipeline.conftest import written
from tests.pipeline.report.figures.drawn import FILES, texts, write_all


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


def test_a_panel_for_each_family(workspace: Workspace) -> None:
    """A model has the same look in all of them, by its name in the tables."""
    workspace.edit(reduced_family(read_yaml(workspace.folder / "params.yaml")))
    write_all(workspace)
    write_run("gam-reduced", 0, [4.0, 3.5], dataset="less")
    paper, reduced = learning_figures(load_params(), load_published())["validation_loss"].axes
    assert [paper.get_title(), reduced.get_title()] == ["stories, n = 3", "less, reduced, n = 1"]
    (line,) = reduced.lines
    assert list(line.get_ydata()) == [4.0, 3.5]
    assert line.get_color() == paper.lines[1].get_color()
    assert "not run: Transformer" in texts(reduced)


def test_the_time_of_an_epoch_is_a_median(workspace: Workspace) -> None:
    """One run was stopped for a while, which moves nothing; and there is no interval."""
    write_all(workspace)
    for seed, seconds in enumerate((10.0, 12.0, 500.0)):
        epochs = [
            EpochSeconds(epoch=e, train_seconds=seconds, validation_seconds=1, tokens_per_second=7) for e in (1, 2)
        ]
        write_result(paths.clock("stories", "gam", seed), Clock(**run_fields("gam", seed), epochs=epochs))
    workspace.call(figures)
    assert list(written(paths.FIGURES)) == FILES
    (axes,) = learning_figures(load_params(), load_published())["epoch_time"].axes
    assert axes.get_title() == "stories, n = 3"
    transformer, gam = (list(line.get_ydata()) for line in axes.lines)
    assert (transformer, gam) == ([10.0, 20.0], [12.0, 12.0])
    assert not axes.collections
