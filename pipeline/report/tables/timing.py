"""Time of a training step, and of the epoch that follows from it, for every data set."""

from statistics import median, quantiles
from typing import Any

from pipeline.artifacts.cost_records import TimingResult
from pipeline.artifacts.current import left_out_notes, read_curves
from pipeline.artifacts.devices import Device, read_devices
from pipeline.base import paths
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
    made,
    on_device,
    published_cell,
    with_interval,
)


def timing_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and median step times for the summary, by device."""
    devices = read_devices(params)
    groups = [group for device in devices for group in _groups(params, device, published)]
    seconds = Quantity("Epoch", "s")
    columns = [
        Column(Quantity("Step: median [quartiles]", "ms")),
        Column(seconds, "published"),
        Column(seconds, "reproduced"),
        Column(Quantity("GAM saves [95 % interval]", "%")),
    ]
    timings = [device.timing for device in devices if device.timing]
    counted = sum(sum(timing.seconds(name)) for timing in timings for name in timing.entries)
    sizes = {f"{timing.batch_size} x {timing.block_size} tokens" for timing in timings}
    steps = params.timing
    rounds = f"{steps.measurements} measurements of {steps.repetitions} rounds" if timings else NOT_RUN
    notes = [
        f"Whole training steps on {' or '.join(sorted(sizes)) or 'batches of train.batch_size'}: {rounds}. In a round "
        "each model makes a step; each measurement is made in a process started anew. Not in deterministic mode. "
        f"{_busy(devices)}Epoch: median step times the steps of an epoch, known where a run was made; published on one "
        "NVIDIA T4, for one run.",
        "GAM saves: 1 - median of the ratios of its steps to the other's within a round; mean over measurements, with "
        "their t interval.",
        *cost_notes("The counted steps", counted),
        *left_out_notes(params),
        *machine_notes([timing.provenance for timing in timings]),
    ]
    summary = {
        device.name: {name: {"step_seconds": median(device.timing.seconds(name))} for name in device.timing.entries}
        for device in devices
        if device.timing
    }
    return Table("timing", "Time of a training step", "Data set", "Model", columns, groups, notes), summary


def _groups(params: Params, device: Device, published: Published) -> list[Group]:
    """A group for each data set, with a row for each model."""
    timing, groups = device.timing, []
    for dataset in dict.fromkeys([*params.families[PAPER].datasets, *published.main]):
        steps = _steps_per_epoch(params, dataset)
        rows = []
        for model in params.timing.models:
            timed = member(params, model)
            theirs = None if timed.is_fused else published.main.get(dataset, {}).get(timed.role)
            times = timing.seconds(model) if timing else None
            epoch = f"{median(times) * steps:.1f}" if times and steps else NOT_RUN
            files = [paths.timing(device.key)]
            step, shorter = (made(cell, files) for cell in (_step(times), _saved(params, timing, model)))
            cells = [step, published_cell(theirs, "epoch_seconds", 1), made(epoch, files), shorter]
            rows.append([timed.name(published), *cells])
        groups.append(Group(on_device(dataset, device), rows))
    return groups


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
    return with_interval(saved(timing.by_measurement(gam), timing.by_measurement(model)).times(100), 1, "+")


def _busy(devices: list[Device]) -> str:
    """How busy each device was just before the measurements."""
    told = []
    for device in devices:
        measurements = device.timing.measurements if device.timing else []
        shares = [each.busy_before for each in measurements if each.busy_before is not None]
        if shares:
            ends = " to ".join(dict.fromkeys(f"{share:.0%}" for share in (min(shares), max(shares))))
            told.append(f"{device.name} busy just before: {ends}. ")
    return "".join(told)


def _steps_per_epoch(params: Params, dataset: str) -> int | None:
    curves = [curve for model in params.families[PAPER].models for curve in read_curves(params, dataset, model)]
    return curves[0].epochs[0].steps if curves else None
