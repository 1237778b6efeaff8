"""What the figures of gates and slots show, from made-up results."""

import math

import pytest

from pipeline.artifacts.inside_records import AtWords, LayerPaths, LayerSlots, PathUse
from pipeline.base import paths
from pipeline.figures import main as figures
from pipeline.params.schema import load_params
from pipeline.report.figures.gam_parts import part_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import write_inside
from tests.pipeline.conftest import written
from tests.pipeline.report.figures.drawn import texts, write_all


def use(gate: float, norm: float) -> PathUse:
    return PathUse(gate=gate, ungated_norm=norm, gated_norm=gate * norm)


def layer(local: float, memory: float) -> LayerPaths:
    """Gates at function words, 0.1 less at content words; the local path is 10 times the other."""
    return LayerPaths(
        local=AtWords(function_words=use(local, 10), content_words=use(local - 0.1, 10)),
        memory=AtWords(function_words=use(memory, 1), content_words=use(memory - 0.1, 1)),
    )


def slots(entropy: float, dead: int) -> LayerSlots:
    return LayerSlots(slots=16, entropy=entropy, entropy_of_mean=entropy + 1, dead=dead)


@pytest.fixture
def looked_into(workspace: Workspace) -> Workspace:
    write_all(workspace)
    for seed in range(3):
        shift = 0.02 * seed
        write_inside(
            "gam", seed, paths=[layer(0.6 + shift, 0.3), layer(0.4, 0.5)], slots=[slots(0.5, seed), slots(1.5, 9)]
        )
    write_inside("transformer", 0)
    return workspace


@pytest.mark.usefixtures("looked_into")
def test_gates_and_sizes() -> None:
    figure = part_figures(load_params(), load_published())["gates"]
    gate, before, after = figure.axes
    values = [list(line.get_ydata()) for line in gate.lines]
    assert values == [pytest.approx(v) for v in ([0.62, 0.4], [0.52, 0.3], [0.3, 0.5], [0.2, 0.4])]
    assert [list(line.get_ydata()) for line in before.lines] == [[10, 10]] * 2 + [[1, 1]] * 2
    assert list(after.lines[1].get_ydata()) == pytest.approx([5.2, 3.0])
    assert list(gate.lines[0].get_xdata()) == [1, 2]
    assert before.get_title() == "GAM (Full), stories, n = 3"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["local path, function words", "local path, content words"]
    assert gate.lines[0].get_color() == gate.lines[1].get_color() != gate.lines[2].get_color()


@pytest.mark.usefixtures("looked_into")
def test_slots() -> None:
    """Of the models that have any: the Transformer has none, and is not missing."""
    figure = part_figures(load_params(), load_published())["slots"]
    entropy, of_mean, dead = figure.axes
    for axes, expected in ((entropy, [0.5, 1.5]), (of_mean, [1.5, 2.5])):
        line, ceiling = axes.lines
        assert list(line.get_ydata()) == pytest.approx(expected)
        assert ceiling.get_ydata()[0] == pytest.approx(math.log(16))
    (line,) = dead.lines
    assert list(line.get_ydata()) == pytest.approx([1, 9])
    assert dead.get_ylabel() == "dead slots of 16"
    assert dead.get_ylim()[0] == 0
    assert "Transformer" not in texts(figure)


def test_the_stage_draws_them(looked_into: Workspace) -> None:
    looked_into.call(figures)
    assert {"gates.svg", "gates.pdf", "slots.svg", "slots.pdf"} <= written(paths.FIGURES).keys()


def test_without_a_dead_slot_and_with_a_model_missing(workspace: Workspace) -> None:
    write_all(workspace)
    workspace.edit({"families": {"paper": {"others": {"seeds": [0]}}}})
    write_inside("gam", 0, slots=[slots(0.5, 0), slots(1.5, 0)])
    made = part_figures(load_params(), load_published())
    assert list(made) == ["slots"]
    assert made["slots"].axes[2].get_ylim() == (0, 1)
    assert "Not run: GAM (Sum Fusion)." in texts(made["slots"])
