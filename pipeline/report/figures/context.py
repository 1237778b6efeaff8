"""What context is worth to each model of a family: the loss by position in a block, and by how many tokens it gets."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from pipeline.artifacts.current import read_metrics, read_ngrams
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import GREY, PAGE, SMALL, note, reproduced_key
from pipeline.report.figures.inside import Seen, draw_runs, looked_into, not_run
from pipeline.report.figures.learning import BAND
from pipeline.report.published import Published

LOSS = "validation loss / (nats/token)"
BY_POSITION = [
    "Points: mean over the positions 1, 2, 3 to 4, 5 to 8, and so on, where a model has seen as many tokens. The "
    "targets differ from position to position, and are the same for all models.",
    "Grey: counts of the train tokens, mean over all positions; an arrow where one lies outside.",
]
BY_CONTEXT = [
    "A model gets nothing but the last tokens before a target. They stand at the beginning of a block. The targets are "
    "the same everywhere: the last token of each block of the validation text.",
    "Vertical line: how many of the last tokens the output of GAM depends on. What its line does beyond comes from the "
    "learned positions alone.",
]


def context_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figures by name; none where no run was looked into."""
    groups = looked_into(params, published)
    if not groups:
        return {}

    def position(axes: Axes, seen: Seen) -> None:
        for arm in seen.arms:
            bins = doubling(len(arm.runs[0].position_losses))
            values = [[fmean(run.position_losses[first:end]) for first, end in bins] for run in arm.runs]
            draw_runs(axes, [(first + 1 + end) / 2 for first, end in bins], values, **arm.look.line())
        _draw_counts(axes, params, seen)

    def context(axes: Axes, seen: Seen) -> None:
        for arm in seen.arms:
            tokens = [at.tokens for at in arm.runs[0].context_losses]
            draw_runs(axes, tokens, [[at.loss for at in run.context_losses] for run in arm.runs], **arm.look.line())
        _draw_reach(axes, params, seen)

    return {
        "loss_by_position": _figure(groups, position, "position in the block / tokens", BY_POSITION),
        "loss_by_context": _figure(groups, context, "context given / tokens", BY_CONTEXT),
    }


def doubling(length: int) -> list[tuple[int, int]]:
    """Parts of range(length), each as long as all before it together: first of each, and end."""
    ends = [1]
    while ends[-1] < length:
        ends.append(min(2 * ends[-1], length))
    return [(0, 1), *pairwise(ends)]


def _figure(groups: list[Seen], draw: Callable[[Axes, Seen], None], label: str, sentences: Sequence[str]) -> Figure:
    figure = Figure(figsize=(PAGE, 0.8 + 3.0 * len(groups)), layout="constrained")
    for i, seen in enumerate(groups):
        axes = figure.add_subplot(len(groups), 1, i + 1)
        axes.set_xscale("log", base=2)
        axes.margins(y=0.1)
        draw(axes, seen)
        axes.set_title(seen.title(seen.arms))
        axes.set_ylabel(LOSS)
        axes.set_xlabel(label)
        axes.xaxis.set_major_locator(LogLocator(base=2, numticks=20))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    keys = {arm.name: reproduced_key(arm.look, arm.name) for seen in groups for arm in seen.arms}
    figure.legend(handles=list(keys.values()), loc="outside upper center", ncols=4)
    note(figure, [BAND, *sentences, *not_run(name for seen in groups for name in seen.missing.values())])
    return figure


def _draw_counts(axes: Axes, params: Params, seen: Seen) -> None:
    """A line for each count within the losses of the models, or nearly so; an arrow for the others."""
    ngrams = read_ngrams(params, seen.dataset)
    bottom, top = axes.get_ylim()
    room = (top - bottom) / 2
    for name, splits in (ngrams.models if ngrams else {}).items():
        loss = splits["validation"].token_loss
        is_near = bottom - room <= loss <= top + room
        if is_near:
            axes.axhline(loss, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        height = loss if is_near else 1.0 if loss > top else 0.0
        arrow = "" if is_near else " ↑" if loss > top else " ↓"
        at = ("axes fraction", "data" if is_near else "axes fraction")
        axes.annotate(
            f"{name}\n{loss:.2f}{arrow}", (1, height), xycoords=at, xytext=(3, 0), textcoords="offset points",
            va="center", color=GREY, fontsize=SMALL,
        )  # fmt: skip


def _draw_reach(axes: Axes, params: Params, seen: Seen) -> None:
    """Of the whole GAM, where it was evaluated: by the probe that finds more."""
    for arm in seen.arms:
        metrics = read_metrics(params, seen.dataset, arm.model) if arm.role == "gam" else []
        if metrics:
            reach = max(max(found.reach_by_gradient, found.reach_by_change) for found in metrics)
            axes.axvline(reach, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
            axes.annotate(
                f"reach of GAM: {reach}", (reach, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                textcoords="offset points", va="top", color=GREY, fontsize=SMALL,
            )  # fmt: skip
