"""What the parts of trained GAM blocks do, by layer: gates and the sizes of what they weigh, and the use of slots."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from pipeline.artifacts.inside_records import LayerSlots, PathUse
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import GREY, PAGE, Look, note, reproduced_key
from pipeline.report.figures.inside import Arm, Seen, draw_runs, looked_into, not_run
from pipeline.report.figures.learning import BAND
from pipeline.report.published import Published

LOCAL, MEMORY = "#0072b2", "#d55e00"
PATHS = {
    ("local", "function_words"): ("local path, function words", Look(LOCAL, "-", "s")),
    ("local", "content_words"): ("local path, content words", Look(LOCAL, "--", "o")),
    ("memory", "function_words"): ("memory path, function words", Look(MEMORY, "-", "^")),
    ("memory", "content_words"): ("memory path, content words", Look(MEMORY, "--", "D")),
}
"""By the fields of LayerPaths and of AtWords: a name and the look of a line."""
OF_PATHS: dict[str, Callable[[PathUse], float]] = {
    "gate": lambda use: use.gate,
    "size before the gate": lambda use: use.ungated_norm,
    "size after the gate": lambda use: use.gated_norm,
}
ABOUT_PATHS = [
    "Gate: 0 closes a path, 1 lets all of it pass; mean over the width. Size: Euclidean norm over the width. It says "
    "how much there is to weigh. Means over the tokens of a kind of word in the validation text.",
]
OF_SLOTS: dict[str, Callable[[LayerSlots], float]] = {
    "entropy of the weights\nof a token / nats": lambda slots: slots.entropy,
    "entropy of the\nmean weights / nats": lambda slots: slots.entropy_of_mean,
    "dead slots": lambda slots: slots.dead,
}
ABOUT_SLOTS = [
    "Entropy: 0 where one slot is used alone; ln(slots), the grey line, where all are used alike. Left: by one token. "
    "Middle: by all tokens together.",
    "Dead: slots whose mean weight is below a tenth of 1 / slots.",
]


def part_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figures by name; each only where a run has what it shows."""
    groups = looked_into(params, published)
    figures = {}
    gated = [(seen, [arm]) for seen in groups for arm in seen.arms if arm.runs[0].paths]
    if gated:
        keys = [reproduced_key(look, name) for name, look in PATHS.values()]
        figures["gates"] = _figure(gated, OF_PATHS, _draw_paths, keys, ABOUT_PATHS)
    with_bank = [(seen, [arm for arm in seen.arms if arm.runs[0].slots]) for seen in groups]
    with_bank = [(seen, arms) for seen, arms in with_bank if arms]
    if with_bank:
        named = {arm.name: reproduced_key(arm.look, arm.name) for _, arms in with_bank for arm in arms}
        missing = [
            name
            for seen, _ in with_bank
            for model, name in seen.missing.items()
            if params.models[model].model_dump().get("memory")
        ]
        about = [*ABOUT_SLOTS, *not_run(missing)]
        figures["slots"] = _figure(with_bank, OF_SLOTS, _draw_slots, list(named.values()), about)
    return figures


def _figure(
    rows: list[tuple[Seen, list[Arm]]],
    quantities: dict[str, Any],
    draw: Callable[[Axes, list[Arm], str], None],
    keys: list[Line2D],
    sentences: list[str],
) -> Figure:
    """A row of panels for each group, a panel for each quantity, over layers."""
    figure = Figure(figsize=(PAGE, 0.9 + 2.0 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(quantities), squeeze=False)
    for (seen, arms), row in zip(rows, panels, strict=True):
        for axes, quantity in zip(row, quantities, strict=True):
            axes.set_xlabel("layer")
            axes.set_ylabel(quantity)
            draw(axes, arms, quantity)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        name = f"{arms[0].name}, " if draw is _draw_paths else ""
        row[len(row) // 2].set_title(name + seen.title(arms))
    figure.legend(handles=keys, loc="outside upper center", ncols=min(len(keys), 4) if draw is _draw_slots else 2)
    note(figure, [BAND, *sentences])
    return figure


def _draw_paths(axes: Axes, arms: list[Arm], quantity: str) -> None:
    of = OF_PATHS[quantity]
    for (path, words), (_, look) in PATHS.items():
        uses = [[getattr(getattr(layer, path), words) for layer in run.paths] for run in arms[0].runs]
        _draw_layers(axes, [[of(use) for use in run] for run in uses], look)
    if quantity != "gate":
        _make_logarithmic(axes)


def _draw_slots(axes: Axes, arms: list[Arm], quantity: str) -> None:
    for arm in arms:
        _draw_layers(axes, [[OF_SLOTS[quantity](layer) for layer in run.slots] for run in arm.runs], arm.look)
    slots = sorted({layer.slots for arm in arms for layer in arm.runs[0].slots})
    if quantity == "dead slots":
        axes.set_ylabel(f"dead slots of {' or '.join(map(str, slots))}")
        axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
        return
    for number in slots:
        axes.axhline(math.log(number), color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    axes.set_ylim(0, 1.05 * math.log(max(slots)))


def _draw_layers(axes: Axes, runs: list[list[float]], look: Look) -> None:
    draw_runs(axes, range(1, len(runs[0]) + 1), runs, **look.line())


def _make_logarithmic(axes: Axes) -> None:
    """By the lines: a band may reach below 0, where there is no logarithm, and is cut."""
    means = [float(value) for line in axes.lines for value in np.asarray(line.get_ydata())]
    axes.set_yscale("log")
    axes.set_ylim(min(means) / 1.3, max(means) * 1.3)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
