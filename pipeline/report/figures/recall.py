"""Accuracy by distance with its chance line and the reach of GAM's convolutions; accuracy by the number of facts."""

from collections.abc import Mapping
from math import sqrt
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pipeline.params.schema import Params
from pipeline.report.figures.drawing import GREY, PAGE, REPRODUCED, SMALL, Look, looks, note, reproduced_key, say
from pipeline.report.published import Published
from pipeline.report.recalled import Recalled, labels, reaches, recalled
from pipeline.report.tables.layout import NOT_RUN

COLUMNS = 2


def recall_figure(params: Params, published: Published) -> Figure:
    """A panel for each task, and in associative recall for each length."""
    models = list(dict.fromkeys([*params.recall.facts_models, *params.recall.models]))
    names, styles = labels(params, published, models), looks(models)
    panels = recalled(params)
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(PAGE, 0.9 + 1.9 * rows), layout="constrained")
    for at, shown in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, COLUMNS, at)
        _draw(axes, shown, styles)
        if shown.task != "facts":
            _mark_reaches(axes, reaches(params))
        if at % COLUMNS == 1:
            axes.set_ylabel("accuracy")
        if not any(shown.accuracies.values()):
            say(axes, NOT_RUN)
    keys = [reproduced_key(styles[model], names[model]) for model in models]
    if keys:
        figure.legend(handles=keys, loc="outside upper center", ncols=4)
    note(
        figure,
        [
            f"Lines: mean over {len(params.recall.training.seeds)} seeds; whiskers: the lowest and the highest.",
            "Dotted: chance. Reach: how many tokens the convolutions of a GAM see, the asking one included.",
        ],
    )
    return figure


def _draw(axes: Axes, shown: Recalled, styles: Mapping[str, Look]) -> None:
    for model, found in shown.accuracies.items():
        if not found:
            continue
        at = [sqrt(low * high) for low, high in found]
        axes.plot(at, [fmean(values) for values in found.values()], **styles[model].line(), **REPRODUCED)
        low, high = ([end(values) for values in found.values()] for end in (min, max))
        axes.vlines(at, low, high, colors=styles[model].colour, linewidth=0.8)
    axes.axhline(shown.chance, color="black", linewidth=0.8, linestyle=":")
    axes.set_title(shown.title)
    axes.set_ylim(-0.03, 1.05)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(shown)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1000 else f"{value:,.0f}"))
    axes.set_xlabel("facts" if shown.task == "facts" else "distance / tokens")


def _ticks(shown: Recalled) -> list[int]:
    """At powers of two, or at the numbers of facts."""
    if shown.task == "facts":
        return [high for _, high in shown.ranges]
    return [2**power for power in range(max((high for _, high in shown.ranges), default=1).bit_length())]


def _mark_reaches(axes: Axes, reaches: Mapping[str, int]) -> None:
    """Between the last distance that the convolutions carry and the first that they do not."""
    for reach in sorted(set(reaches.values())):
        border = sqrt((reach - 1) * reach)
        axes.axvline(border, color=GREY, linewidth=0.8, zorder=1)
        axes.annotate(
            f"reach {reach}", (border, 0.2), (2, 0), ("data", "axes fraction"), "offset points",
            fontsize=SMALL, color=GREY,
        )  # fmt: skip
