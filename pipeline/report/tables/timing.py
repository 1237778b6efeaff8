"""Time of a training step, and of the epoch that follows from it, for every data set."""

from statistics import median, quantiles
from typing import Any

from pipeline.artifacts.current import left_out_notes, read_curves, read_timing
from pipeline.artifacts.records import TimingResult
from pipeline.claims.intervals import saved
from pipeline.params.families import PAPER
from pipeline.params.schema import Params
from pipeline.report.groups import member
from pipeline.report.published import Published
from pipeline.report.tables.layout import (
    NOT_RUN,
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    machine_notes,
    published_cell,
    with_interval,
)


def timing_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and median step times for the summary."""
    timing = read_timing(params)
    groups = []
    for dataset in dict.fromkeys([*params.families[PAPER].datasets, *published.main]):
        steps = _steps_per_epoch(params, dataset)
        rows = []
        for model in params.timing.models:
            timed = member(params, model)
            theirs = None if timed.is_fused else published.main.get(dataset, {}).get(timed.role)
            times = timing.models[model].seconds if timing else None
            epoch = f"{median(times) * steps:.1f}" if times and steps else NOT_RUN
            cells = [_step(times), published_cell(theirs, "epoch_seconds", 1), epoch, _saved(params, timing, model)]
            rows.append([timed.name(published), *cells])
        groups.append(Group(dataset, rows))
    seconds = Quantity("Epoch", "s")
    columns = [
        Column(Quantity("Step: median [quartiles]", "ms")),
        Column(seconds, "published"),
        Column(seconds, "reproduced"),
        Column(Quantity("GAM saves [95 % interval]", "%")),
    ]
    share = timing.busy_before if timing else None
    busy = "" if share is None else f" Processors busy just before: {share:.0%}."
    size = f"{timing.batch_size} x {timing.block_size} tokens" if timing else "batches of train.batch_size"
    notes = [
        f"Whole training steps on {size}, made in turn in one process, not in deterministic mode.{busy} Epoch: median "
        "step times the steps of an epoch, known where a run was made; published on one NVIDIA T4, for one run.",
        "GAM saves: 1 - ratio of medians, bootstrap over rounds.",
        *cost_notes("The counted steps", sum(sum(t.seconds) for t in timing.models.values()) if timing else 0.0),
        *left_out_notes(params),
        *machine_notes([timing.provenance] if timing else []),
    ]
    summary = {name: {"step_seconds": median(times.seconds)} for name, times in timing.models.items()} if timing else {}
    return Table("timing", "Time of a training step", "Data set", "Model", columns, groups, notes), summary


def _step(seconds: list[float] | None) -> str:
    if seconds is None:
        return NOT_RUN
    low, middle, high = (1000 * q for q in quantiles(seconds, n=4, method="inclusive"))
    return f"{middle:.1f} [{low:.1f}, {high:.1f}]"


def _saved(params: Params, timing: TimingResult | None, model: str) -> str:
    if timing is None:
        return NOT_RUN
    gam = params.timed_gam()
    if model == gam:
        return "–"
    return with_interval(saved(timing.models[gam].seconds, timing.models[model].seconds).times(100), 1, "+")


def _steps_per_epoch(params: Params, dataset: str) -> int | None:
    curves = [curve for model in params.families[PAPER].models for curve in read_curves(params, dataset, model)]
    return curves[0].epochs[0].steps if curves else None
