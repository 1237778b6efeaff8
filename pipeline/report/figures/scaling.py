"""The paper's figure 2: time and memory of one block against the length of its input."""

from dataclasses import dataclass
from statistics import median, quantiles

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import offset_copy

from pipeline.artifacts.cost_records import ScalingPoint, ScalingResult
from pipeline.artifacts.devices import Device, read_devices
from pipeline.claims.growth import Cost
from pipeline.params.families import PAPER
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import (
    COLUMN,
    GREY,
    PUBLISHED,
    REPRODUCED,
    Look,
    looks,
    note,
    published_key,
    reproduced_key,
    say,
)
from pipeline.report.groups import member, merged
from pipeline.report.published import Published, ScalingRow
from pipeline.report.tables.layout import NOT_RUN
from pipeline.report.tables.scaling import published_rows
from pipeline.report.tables.scaling_cells import published_value

PUBLISHED_ON = "Published: batch 16, d = 512, float16, one NVIDIA T4."
LABELS: dict[Cost, str] = {"time": "forward and backward / ms", "memory": "peak memory / MiB"}
"""With their units."""
SENTENCES: dict[Cost, str] = {
    "time": "Points: medians over rounds; whiskers: first to third quartile.",
    "memory": "Peak memory: the most that tensors hold at once, weights and gradients included.",
}
"""What the points are."""

Spread = tuple[float, float, float]
"""First quartile, median, third quartile."""
Shortages = dict[str, list[int]]
"""By model, the lengths in tokens at which it ran out of memory."""


@dataclass(frozen=True)
class Shown:
    """What one of the figures shows, by model and length in tokens."""

    cost: Cost
    ours: dict[str, dict[int, Spread]]
    theirs: dict[str, dict[int, float]]
    shortages: dict[str, Shortages]
    """By what was tried."""


@dataclass(frozen=True)
class Blocks:
    """What there is of the blocks, by name of the model."""

    styles: dict[str, Look]
    results: dict[str, ScalingResult]
    theirs: dict[str, list[ScalingRow]]
    asked: list[str]
    """The models that are to be measured."""


def blocks(params: Params, device: Device, published: Published) -> Blocks:
    """The blocks that params.yaml has measured on a device, and those that the paper has."""
    members = merged([member(params, model) for model in params.scaling.models], published.scaling)
    compared = [member(params, model) for model in params.families[PAPER].models]
    everyone = list(dict.fromkeys(each.name(published) for each in [*compared, *members]))
    names = [each.name(published) for each in members]
    styles = {name: look for name, look in looks(everyone).items() if name in names}
    results: dict[str, ScalingResult] = {}
    for each in members:
        result = device.scalings.get(each.model) if each.model else None
        if result is not None:
            results[each.name(published)] = result
    theirs = {each.name(published): rows for each in members if (rows := published_rows(each, published))}
    return Blocks(styles, results, theirs, [each.name(published) for each in members if each.model])


def scaling_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figures by name; those of a second device and further ones have its name in theirs."""
    figures = {}
    costs: dict[str, Cost] = {"compute_time": "time", "peak_memory": "memory"}
    for number, device in enumerate(read_devices(params)):
        there = blocks(params, device, published)
        for name, cost in costs.items():
            short = _shortages(there.results, there.theirs, cost)
            shown = Shown(cost, _ours(there.results, cost), _theirs(there.theirs, cost), short)
            figure = _figure(shown, there.styles, there.results, there.asked)
            figures[f"{name}_{device.key}" if number else name] = figure
    return figures


def _ours(results: dict[str, ScalingResult], cost: Cost) -> dict[str, dict[int, Spread]]:
    """By model and length, where it fitted."""
    values = {
        model: {point.length: _values(point, cost) for point in result.points} for model, result in results.items()
    }
    return {
        model: {length: _spread(there) for length, there in points.items() if there} for model, points in values.items()
    }


def _theirs(theirs: dict[str, list[ScalingRow]], cost: Cost) -> dict[str, dict[int, float]]:
    values = {model: {row.length: published_value(row, cost) for row in rows} for model, rows in theirs.items()}
    return {
        model: {length: value for length, value in rows.items() if value is not None} for model, rows in values.items()
    }


def _values(point: ScalingPoint, cost: Cost) -> list[float]:
    """Empty where memory ran out."""
    if cost == "time":
        return point.milliseconds
    return [] if point.peak_mib is None else [point.peak_mib]


def _spread(values: list[float]) -> Spread:
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, median(values), third


def _figure(shown: Shown, styles: dict[str, Look], results: dict[str, ScalingResult], asked: list[str]) -> Figure:
    """Lines over T, below a strip that says where memory ran out; `asked` are the models that are to be measured."""
    shortages = shown.shortages
    figure = Figure(figsize=(COLUMN, 3.7), layout="constrained")
    heights = [0.12 * len(shortages) + 0.05, 2.0]
    if shortages:
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        _draw_shortages(figure, strip, shortages, styles)
    else:
        axes = figure.subplots()
    _draw(axes, shown, styles)
    _label(axes, shown)
    missing = [name for name in asked if name not in results]
    if len(missing) == len(asked):
        say(axes, NOT_RUN, 0.75, 0.15)
        missing = []
    keys = [reproduced_key(look, name) for name, look in styles.items()]
    figure.legend(handles=[*keys, published_key()], loc="outside upper center", ncols=2)
    sentences = [f"Not run: {', '.join(missing)}."] if missing else []
    sentences += [SENTENCES[shown.cost]] if results else []
    sentences += [*sorted({machine(result, shown.cost) for result in results.values()}), PUBLISHED_ON]
    note(figure, sentences)
    return figure


def _shortages(
    results: dict[str, ScalingResult], theirs: dict[str, list[ScalingRow]], cost: Cost
) -> dict[str, Shortages]:
    """Where memory ran out, by what was tried; under a cap memory alone was."""
    tried: dict[str, Shortages] = {"published": {}, "reproduced": {}}
    for model, rows in theirs.items():
        tried["published"][model] = [row.length for row in rows if row.milliseconds is None]
    for model, result in results.items():
        tried["reproduced"][model] = [point.length for point in result.points if not _values(point, cost)]
        if cost == "memory":
            capped = tried.setdefault(f"{result.cap_gib:g} GiB cap", {})
            capped[model] = [point.length for point in result.points if point.fits_cap is False]
    short = {how: {model: lengths for model, lengths in by.items() if lengths} for how, by in tried.items()}
    return {how: by for how, by in short.items() if by}


def _draw_shortages(figure: Figure, strip: Axes, shortages: dict[str, Shortages], styles: dict[str, Look]) -> None:
    """A row for each kind of attempt, with a cross in the model's marker at every length that did not fit."""
    places = {model: 9.0 * i for i, model in enumerate(sorted({m for row in shortages.values() for m in row}))}
    middle = max(places.values()) / 2
    for height, row in enumerate(shortages.values()):
        for model, lengths in row.items():
            look = styles[model]
            beside = offset_copy(strip.transData, figure, x=places[model] - middle, units="points")
            heights = [-height] * len(lengths)
            for marker, size in ((look.marker, 6), ("x", 3.5)):
                strip.plot(
                    lengths, heights, linestyle="none", marker=marker, markersize=size, markerfacecolor="none",
                    color=look.colour, markeredgewidth=0.9, transform=beside, clip_on=False,
                )  # fmt: skip
    strip.set_yticks([-height for height in range(len(shortages))], list(shortages))
    strip.set_ylim(0.6 - len(shortages), 0.6)
    strip.set_title("out of memory", color=GREY, fontsize=7, pad=2)
    strip.spines[:].set_visible(False)
    strip.tick_params(length=0, labelbottom=False)
    strip.grid(axis="y", visible=False)


def _draw(axes: Axes, shown: Shown, styles: dict[str, Look]) -> None:
    for model, values in shown.theirs.items():
        axes.plot(list(values), list(values.values()), **styles[model].line(), **PUBLISHED)
    for model, spreads in shown.ours.items():
        middles = [middle for _, middle, _ in spreads.values()]
        below = [middle - low for low, middle, _ in spreads.values()]
        above = [high - middle for _, middle, high in spreads.values()]
        axes.errorbar(
            list(spreads), middles, yerr=[below, above], capsize=2, elinewidth=0.8, capthick=0.8,
            **styles[model].line(), **REPRODUCED,
        )  # fmt: skip


def _label(axes: Axes, shown: Shown) -> None:
    """Scales to base 2, a tick at every length."""
    lengths = {length for row in shown.shortages.values() for tried in row.values() for length in tried}
    lengths.update(*shown.ours.values(), *shown.theirs.values())
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(min(lengths) / 2**0.3, max(lengths) * 2**0.5)
    axes.xaxis.set_major_locator(FixedLocator(sorted(lengths)))
    axes.yaxis.set_major_locator(LogLocator(base=2, numticks=10))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("length T / tokens")
    axes.set_ylabel(LABELS[shown.cost])


def machine(result: ScalingResult, *costs: Cost) -> str:
    """What a result was measured with, as far as it is about these costs."""
    p, on = result.provenance, result.on
    batches = {"time": f"{on.batch_size}", "memory": f"{on.memory_batch_size}"}
    told = batches[costs[0]] if len(costs) == 1 else " and ".join(f"{batches[cost]} ({cost})" for cost in costs)
    threads = f" ({p.threads} threads)" if p.device_type == "cpu" else ""
    return f"Reproduced: batch {told}, d = {result.entry['d_model']}, {p.precision}, {p.device}{threads}."
