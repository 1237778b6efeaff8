"""The paper's figures 3 and 4: perplexity, loss and seconds against the epoch, a panel for each data set and family."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

from pipeline.artifacts.current import read_clocks, read_curves
from pipeline.artifacts.records import perplexity
from pipeline.claims.intervals import Estimate, estimate
from pipeline.params.models import Role
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import (
    COLUMN,
    PAGE,
    PUBLISHED,
    REPRODUCED,
    Look,
    looks,
    note,
    published_key,
    reproduced_key,
    say,
)
from pipeline.report.groups import Comparison, Member, compared
from pipeline.report.published import MainRow, Published
from pipeline.report.tables.layout import NOT_RUN

PUBLISHED_EPOCHS = 5
"""The epoch after which the paper's Table 1 stands."""
PANELS_PER_ROW = 3
BAND = "Lines: mean over n seeds; bands: 95 % t interval (n ≥ 3)."
MIDDLE = "Lines: median over n seeds."
ONE_RUN = f"Published: one run, drawn beside epoch {PUBLISHED_EPOCHS} that it is of."
CLOCKED = "Training part of an epoch by the wall clock; never judged."
ON_T4 = "Published: mean of all epochs on one NVIDIA T4."

Values = dict[int, list[float | None]]
"""By epoch, one value for each run; None where no float holds it."""


@dataclass(frozen=True)
class Panel:
    """What one family has to show on one data set."""

    label: str
    ours: dict[str, Values]
    """By name of a model of the family; empty values where it was not run."""
    theirs: dict[str, float]
    """By name of a model, what the paper prints."""
    centre: Callable[[Sequence[float | None]], Estimate] = estimate
    """What the line shows of an epoch's values: their mean with its interval, or their median."""


def learning_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figures by name; none where no family trains as published."""
    groups = compared(params, {})
    if not groups:
        return {}
    cells = [(group.dataset, each.model) for group in groups for each in group.members if each.model]
    curves = {cell: read_curves(params, *cell) for cell in cells}
    clocks = {cell: read_clocks(params, *cell) for cell in cells}

    def theirs(c: Comparison) -> dict[Role, MainRow]:
        return published.main.get(c.dataset, {}) if c.is_papers else {}

    def panels(runs: dict[tuple[str, str], Any], value: Callable[[Any], float | None], field: str) -> list[Panel]:
        return [
            Panel(
                c.label,
                {m.name(published): _by_epoch(runs[c.dataset, m.model], value) for m in c.members if m.model},
                {Member(role, None).name(published): getattr(row, field) for role, row in theirs(c).items()},
            )
            for c in groups
        ]

    perplexities = panels(curves, lambda epoch: perplexity(epoch.validation_loss), "perplexity")
    losses = panels(curves, lambda epoch: epoch.validation_loss, "loss")
    clocked = panels(clocks, lambda epoch: epoch.train_seconds, "epoch_seconds")
    seconds = [replace(panel, centre=_middle) for panel in clocked]
    last = params.train.epochs
    devices = sorted({clock.provenance.device for cell in clocks.values() for clock in cell})
    any_published = any(panel.theirs for panel in losses)
    source, t4 = ([ONE_RUN], [ON_T4]) if any_published else ([], [])
    machines = [f"Reproduced on {', '.join(devices)}."] if devices else []
    figures = {
        "validation_perplexity": _figure(perplexities, "validation perplexity", [BAND, *source], last),
        "validation_loss": _figure(losses, "validation loss / (nats/token)", [BAND, *source], last),
        "epoch_time": _figure(seconds, "time of an epoch / s", [CLOCKED, MIDDLE, *machines, *t4], last),
    }
    for axes in figures["epoch_time"].axes:
        _make_logarithmic(axes)
    return figures


def _middle(values: Sequence[float | None]) -> Estimate:
    """The median, without an interval: what the clock said during trainings is shown and never judged."""
    return Estimate(median(value for value in values if value is not None), None, None, len(values))


def _by_epoch(runs: Sequence[Any], value: Callable[[Any], float | None]) -> Values:
    values: Values = {}
    for run in runs:
        for epoch in run.epochs:
            values.setdefault(epoch.epoch, []).append(value(epoch))
    return dict(sorted(values.items()))


def _figure(panels: list[Panel], label: str, sentences: list[str], last_epoch: int) -> Figure:
    """Panels side by side under one legend; `last_epoch` is where the axes end at the earliest."""
    models = list(dict.fromkeys(name for panel in panels for name in (*panel.ours, *panel.theirs)))
    styles = looks(models)
    columns = min(len(panels), PANELS_PER_ROW)
    rows = math.ceil(len(panels) / columns)
    width, height = (COLUMN, 2.1) if columns == 1 else (PAGE, 1.8)
    figure = Figure(figsize=(width, 0.4 + height * rows + 0.13 * len(sentences)), layout="constrained")
    for i, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, i + 1)
        _draw_ours(axes, panel, styles)
        _draw_theirs(figure, axes, panel, styles)
        _label(axes, panel, last_epoch)
        if i % columns == 0:
            axes.set_ylabel(label)
    keys = [reproduced_key(look, model) for model, look in styles.items()]
    if any(panel.theirs for panel in panels):
        keys.append(published_key())
    figure.legend(handles=keys, loc="outside upper center", ncols=2 if columns == 1 else len(keys))
    note(figure, sentences)
    return figure


def _draw_ours(axes: Axes, panel: Panel, styles: dict[str, Look]) -> None:
    for model, values in panel.ours.items():
        if not values:
            continue
        look = styles[model]
        estimates = {epoch: panel.centre(v) for epoch, v in values.items()}
        means = {epoch: e.mean for epoch, e in estimates.items() if math.isfinite(e.mean)}
        axes.plot(list(means), list(means.values()), **look.line(), **REPRODUCED)
        band = [(epoch, e.low, e.high) for epoch, e in estimates.items() if e.low is not None and e.high is not None]
        if band:
            epochs, low, high = zip(*band, strict=True)
            axes.fill_between(epochs, low, high, color=look.colour, alpha=0.2, linewidth=0)


def _draw_theirs(figure: Figure, axes: Axes, panel: Panel, styles: dict[str, Look]) -> None:
    """Side by side, right of the epoch that they are of, where they hide nothing."""
    for i, (model, value) in enumerate(panel.theirs.items()):
        look = styles[model]
        beside = offset_copy(axes.transData, figure, x=8 + 6 * i, units="points")
        axes.plot(
            PUBLISHED_EPOCHS, value, transform=beside, color=look.colour, linestyle="none", marker=look.marker,
            **PUBLISHED,
        )  # fmt: skip
        axes.update_datalim([(PUBLISHED_EPOCHS, value)])


def _label(axes: Axes, panel: Panel, last_epoch: int) -> None:
    """Title, epochs, and which models were not run."""
    counts = sorted({len(v) for values in panel.ours.values() for v in values.values()})
    n = "" if not counts else f", n = {counts[0]}" if len(counts) == 1 else f", n = {counts[0]} to {counts[-1]}"
    axes.set_title(panel.label + n)
    epochs = [last_epoch, *(epoch for values in panel.ours.values() for epoch in values)]
    end = max([*epochs, PUBLISHED_EPOCHS] if panel.theirs else epochs)
    axes.set_xlim(1 - 0.06 * end, (1.2 if panel.theirs else 1.06) * end)
    axes.set_xlabel("epoch")
    axes.set_xticks([tick for tick in MaxNLocator(integer=True).tick_values(1, end) if 1 <= tick <= end])
    missing = [model for model, values in panel.ours.items() if not values]
    if len(missing) == len(panel.ours):
        say(axes, NOT_RUN)
        if not panel.theirs:
            axes.set_yticks([])
    elif missing:
        axes.text(1, 1, f"{NOT_RUN}: {', '.join(missing)}", transform=axes.transAxes, ha="right", va="top", fontsize=6)


def _make_logarithmic(axes: Axes) -> None:
    """With enough between bottom and top, and ticks close enough, for some of them to be there."""
    means = [float(value) for line in axes.lines for value in np.asarray(line.get_ydata())]
    if not means:
        return
    low, high = min(means), max(means)
    middle, half = math.sqrt(low * high), max(1.6, 1.2 * math.sqrt(high / low))
    axes.set_yscale("log")
    axes.set_ylim(middle / half, middle * half)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if half > 3 else (1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
