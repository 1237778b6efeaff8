"""The paper's figure 2: time and memory of one block against the length of its input."""

from dataclasses import dataclass
from statistics import median, quantiles

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import offset_copy

from pipeline.artifacts.current import read_scaling
from pipeline.artifacts.records import ALL_MEMORY, ScalingPoint, ScalingResult
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

PUBLISHED_ON = "Published: batch 16, d = 512, float16, one NVIDIA T4."
QUARTILES = "Points: medians; whiskers: first to third quartile."
MEMORY = {
    "cuda": "most memory allocated to tensors",
    "cpu": "weights, gradients, and most resident memory above that of a short pass",
}
"""What `peak_mib` is, by type of device."""

Spread = tuple[float, float, float]
"""First quartile, median, third quartile."""
Shortages = dict[str, list[int]]
"""By model, the lengths in tokens at which it ran out of memory."""


@dataclass(frozen=True)
class Shown:
    """What one of the figures shows, by model and length in tokens."""

    label: str
    """With its unit."""
    ours: dict[str, dict[int, Spread]]
    theirs: dict[str, dict[int, float]]
    note: str


def scaling_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figures by name."""
    members = merged([member(params, model) for model in params.scaling.models], published.scaling)
    compared = [member(params, model) for model in params.families[PAPER].models]
    everyone = list(dict.fromkeys(each.name(published) for each in [*compared, *members]))
    shown = [each.name(published) for each in members]
    styles = {name: look for name, look in looks(everyone).items() if name in shown}
    theirs = {each.name(published): rows for each in members if (rows := published_rows(each, published))}
    results: dict[str, ScalingResult] = {}
    for each in members:
        result = read_scaling(params, each.model) if each.model else None
        if result is not None:
            results[each.name(published)] = result
    asked = [each.name(published) for each in members if each.model]
    times = Shown(
        "forward and backward / ms",
        {model: {p.length: _spread(p.milliseconds) for p in _measured(result)} for model, result in results.items()},
        {
            model: {row.length: row.milliseconds for row in rows if row.milliseconds is not None}
            for model, rows in theirs.items()
        },
        QUARTILES,
    )
    kinds = sorted({result.provenance.device_type for result in results.values()})
    peaks = Shown(
        "peak memory / MiB",
        {
            model: {p.length: (p.peak_mib, p.peak_mib, p.peak_mib) for p in _measured(result) if p.peak_mib is not None}
            for model, result in results.items()
        },
        {
            model: {row.length: row.peak_mib for row in rows if row.peak_mib is not None}
            for model, rows in theirs.items()
        },
        " ".join(f"Reproduced ({kind}): {MEMORY[kind]}." for kind in kinds),
    )
    figures = {}
    for name, quantity in {"compute_time": times, "peak_memory": peaks}.items():
        figures[name] = _figure(quantity, styles, results, asked, _shortages(results, theirs))
    return figures


def _measured(result: ScalingResult) -> list[ScalingPoint]:
    """The points with all of the device's memory that have numbers."""
    return [point for point in result.points if point.memory == ALL_MEMORY and point.milliseconds]


def _spread(values: list[float]) -> Spread:
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, median(values), third


def _figure(
    shown: Shown,
    styles: dict[str, Look],
    results: dict[str, ScalingResult],
    asked: list[str],
    shortages: dict[str, Shortages],
) -> Figure:
    """Lines over T, below a strip that says where memory ran out; `asked` are the models that are to be measured."""
    figure = Figure(figsize=(COLUMN, 3.7), layout="constrained")
    heights = [0.12 * len(shortages) + 0.05, 2.0]
    if shortages:
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=heights)
        _draw_shortages(figure, strip, shortages, styles)
    else:
        axes = figure.subplots()
    _draw(axes, shown, styles)
    _label(axes, shown, shortages)
    missing = [name for name in asked if name not in results]
    if len(missing) == len(asked):
        say(axes, NOT_RUN, 0.75, 0.15)
        missing = []
    keys = [reproduced_key(look, name) for name, look in styles.items()]
    figure.legend(handles=[*keys, published_key()], loc="outside upper center", ncols=2)
    sentences = [f"Not run: {', '.join(missing)}."] if missing else []
    sentences += [shown.note] if results else []
    sentences += [*sorted({_machine(result) for result in results.values()}), PUBLISHED_ON]
    note(figure, sentences)
    return figure


def _shortages(results: dict[str, ScalingResult], theirs: dict[str, list[ScalingRow]]) -> dict[str, Shortages]:
    """Where memory ran out, by what was tried."""
    shortages: dict[str, Shortages] = {}
    for model, rows in theirs.items():
        for row in rows:
            if row.milliseconds is None:
                shortages.setdefault("published", {}).setdefault(model, []).append(row.length)
    for is_capped in (False, True):
        for model, result in results.items():
            tried = f"{result.cap_gib:g} GiB cap" if is_capped else "reproduced"
            for point in result.points:
                if (point.memory != ALL_MEMORY) == is_capped and point.status == "oom":
                    shortages.setdefault(tried, {}).setdefault(model, []).append(point.length)
    return shortages


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


def _label(axes: Axes, shown: Shown, shortages: dict[str, Shortages]) -> None:
    """Scales to base 2, a tick at every length."""
    lengths = {length for row in shortages.values() for tried in row.values() for length in tried}
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
    axes.set_ylabel(shown.label)


def _machine(result: ScalingResult) -> str:
    """What a result was measured with."""
    p = result.provenance
    threads = f" ({p.threads} threads)" if p.device_type == "cpu" else ""
    return (
        f"Reproduced: batch {result.on.batch_size}, d = {result.entry['d_model']}, {p.precision}, {p.device}{threads}."
    )
