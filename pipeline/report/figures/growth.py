"""By what time and memory of one block grow each time that its input doubles, beside what arithmetic predicts."""

from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from pipeline.artifacts.devices import Device, read_devices
from pipeline.claims.growth import COSTS, Cost, asked_lengths, exponent, growth, predicted_ratio
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import COLUMN, GREY, PUBLISHED, REPRODUCED, Look, note, published_key, say
from pipeline.report.figures.scaling import Blocks, blocks, machine
from pipeline.report.published import Published
from pipeline.report.tables.layout import NOT_RUN, with_interval
from pipeline.report.tables.scaling_cells import published_value

PREDICTED: dict[str, Any] = {"linestyle": "none", "marker": "_", "markersize": 11, "markeredgewidth": 1.4}
APART = 0.17
"""Between two models at one length, in doublings."""


def growth_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figure by name; that of a second device and further ones has its name in it."""
    devices = read_devices(params)
    return {
        f"growth_{device.key}" if number else "growth": _figure(params, device, published)
        for number, device in enumerate(devices)
    }


def _figure(params: Params, device: Device, published: Published) -> Figure:
    """A panel for time and one for memory: factors over the length from which the input doubles."""
    there = blocks(params, device, published)
    figure = Figure(figsize=(COLUMN, 4.6), layout="constrained")
    panels = dict(zip(COSTS, figure.subplots(2, 1, sharex=True), strict=True))
    for cost, axes in panels.items():
        _draw(axes, params, there, cost)
        _label(axes, params, cost)
        if not there.results:
            say(axes, NOT_RUN)
    panels["memory"].set_xlabel("T, from which the length doubles / tokens")
    keys = [Line2D([], [], label=name, **_points(look)) for name, look in there.styles.items()]
    predicted = Line2D([], [], color=GREY, label="by arithmetic", **PREDICTED)
    figure.legend(handles=[*keys, predicted, published_key()], loc="outside upper center", ncols=2)
    claims = params.claims
    ranges = [f"{low:g} to {high:g}" for low, high in (claims.linear_ratio, claims.quadratic_ratio)]
    sentences = [
        f"Grey: what counts as x2 ({ranges[0]}) and as x4 ({ranges[1]}).",
        "Time: median over rounds, 95 % interval by a bootstrap. Memory: a count, without an interval.",
        *_exponents(params, there),
        *sorted({machine(result, *COSTS) for result in there.results.values()}),
    ]
    note(figure, sentences)
    return figure


def _draw(axes: Axes, params: Params, there: Blocks, cost: Cost) -> None:
    """Models stand beside each other at each length."""
    for place, (name, look) in enumerate(there.styles.items()):
        aside = 2 ** (APART * (place - (len(there.styles) - 1) / 2))
        rows = {row.length: published_value(row, cost) for row in there.theirs.get(name, [])}
        for shorter, longer in pairwise(asked_lengths(params.claims)):
            before, after = rows.get(shorter), rows.get(longer)
            if before and after:
                axes.plot(shorter * aside, after / before, color=look.colour, marker=look.marker, **PUBLISHED)
        result = there.results.get(name)
        if result is None:
            continue
        doublings = growth(result, cost, params).doublings
        at = [each.length * aside for each in doublings]
        middles = [each.ratio.mean for each in doublings]
        below = [each.ratio.mean - (each.ratio.low or 0) for each in doublings]
        above = [(each.ratio.high or 0) - each.ratio.mean for each in doublings]
        axes.errorbar(at, middles, yerr=[below, above], capsize=2, elinewidth=0.8, capthick=0.8, **_points(look))
        predicted = {length: predicted_ratio(params, result.model, cost, length) for length in _from(params)}
        places = [length * aside for length, ratio in predicted.items() if ratio]
        axes.plot(places, [ratio for ratio in predicted.values() if ratio], color=look.colour, **PREDICTED)


def _points(look: Look) -> dict[str, Any]:
    """A model's look without its line: between two factors there is nothing."""
    return look.line() | {"linestyle": "none", "markersize": REPRODUCED["markersize"]}


def _label(axes: Axes, params: Params, cost: Cost) -> None:
    for low, high in (params.claims.linear_ratio, params.claims.quadratic_ratio):
        axes.axhspan(low, high, color="0.9", linewidth=0)
    lengths = _from(params)
    axes.set_title(cost)
    axes.set_xscale("log", base=2)
    axes.set_xlim(lengths[0] / 2**0.4, lengths[-1] * 2**0.4)
    axes.set_xticks(lengths)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"x{value:g}"))
    axes.set_ylabel("at 2T / at T")


def _from(params: Params) -> list[int]:
    """The lengths that are doubled."""
    return asked_lengths(params.claims)[:-1]


def _exponents(params: Params, there: Blocks) -> list[str]:
    """The slopes of whole curves, of those that are long enough; no claim is judged by them."""
    told = []
    for cost in COSTS:
        slopes = {name: exponent(result, cost, params) for name, result in there.results.items()}
        shown = [f"{name} {with_interval(slope, 2)}" for name, slope in slopes.items() if slope]
        told += [f"Exponents of {cost} from T = {params.claims.shortest} on: {', '.join(shown)}."] if shown else []
    return told
