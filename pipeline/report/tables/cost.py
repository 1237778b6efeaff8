"""What the trainings cost: hours, floating-point operations, and how near they came to what their device can do."""

from statistics import median
from typing import Any

from pipeline.artifacts.cost_records import FlopCounts, Peak
from pipeline.artifacts.current import left_out_notes, read_clocks, training_seconds
from pipeline.artifacts.devices import device_key, device_name, read_peak
from pipeline.artifacts.records import Clock, EpochSeconds
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.families import PAPER
from pipeline.params.schema import Params
from pipeline.report.groups import member
from pipeline.report.published import Published
from pipeline.report.tables.layout import (
    NOT_PUBLISHED,
    NOT_RUN,
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    machine_notes,
    made,
)

COLUMNS = (
    Quantity("n"),
    Quantity("Time of all", "h"),
    Quantity("Operations of one", "10^12"),
    Quantity("Tokens per second"),
    Quantity("Operations per second", "10^9"),
    Quantity("Of the device's peak", "%"),
)


def cost_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the same numbers by family, data set, model and device for the summary."""
    counts = read_result(paths.FLOPS, FlopCounts)
    summary: dict[str, Any] = {}
    groups: dict[str, list[list[str]]] = {}
    clocks: list[Clock] = []
    for family_name, family in params.families.items():
        for dataset, model in family.runs():
            for device, runs in _by_device(read_clocks(params, dataset, model)).items():
                per_token = counts.per_token.get(dataset, {}).get(model) if counts else None
                text = dataset if family_name == PAPER else f"{dataset}, {family_name}"
                cells, numbers = _row(runs, per_token)
                groups.setdefault(f"{text}, {device}", []).append([member(params, model).name(published), *cells])
                summary.setdefault(family_name, {}).setdefault(dataset, {}).setdefault(model, {})[device] = numbers
                clocks += runs
    shown = [Group(label, rows) for label, rows in groups.items()]
    nothing = [Group(NOT_PUBLISHED, [[NOT_RUN, *[NOT_PUBLISHED] * len(COLUMNS)]])]
    notes = [
        "n: trainings, each with a seed of its own. Time: by the clock, validation included. Tuning, evaluation and "
        "recall are not in it. Trainings of small models ran two at a time, each on one thread: each took longer so.",
        "Operations: multiplications and additions of the matrix products of a training, counted by torch on one "
        "block of each model, forward and backward, without validation. Attention counts in full, masked pairs too.",
        "Per second: median over all epochs and seeds. Peak: the fastest product of two square matrices on this "
        f"device, with as many threads, in the same precision; “{NOT_PUBLISHED}” where it was not measured.",
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(clocks)),
        *left_out_notes(params),
        *machine_notes([clock.provenance for clock in clocks]),
    ]
    columns = [Column(quantity) for quantity in COLUMNS]
    table = Table("cost", "What the trainings cost", "Data set", "Model", columns, shown or nothing, notes)
    return table, summary


def _by_device(clocks: list[Clock]) -> dict[str, list[Clock]]:
    found: dict[str, list[Clock]] = {}
    for clock in clocks:
        found.setdefault(device_name(clock.provenance), []).append(clock)
    return found


def _row(clocks: list[Clock], per_token: int | None) -> tuple[list[str], dict[str, Any]]:
    """Cells, and numbers for the summary, of the runs of one model on one device."""
    stamp = clocks[0].provenance
    peak = read_peak(stamp)
    epochs = [epoch for clock in clocks for epoch in clock.epochs]
    speed = median(epoch.tokens_per_second for epoch in epochs)
    tokens = sum(map(_tokens, clocks[0].epochs))
    numbers = {
        "n": len(clocks),
        "hours": training_seconds(clocks) / 3600,
        "operations": per_token and per_token * tokens,
        "tokens_per_second": speed,
        "operations_per_second": per_token and per_token * speed,
        "share_of_peak": _share(per_token, speed, peak),
    }
    files = [paths.clock(clock.dataset, clock.model, clock.seed) for clock in clocks]
    counted = [*files, paths.FLOPS]
    compared = [*counted, paths.peak(device_key(stamp.device, stamp.instructions))]
    cells = [
        str(len(clocks)),
        made(f"{numbers['hours']:.2f}", files),
        made(_cell(numbers["operations"], 1e12, 1), counted),
        made(f"{speed:,.0f}", files),
        made(_cell(numbers["operations_per_second"], 1e9, 1), counted),
        made(_cell(numbers["share_of_peak"], 0.01, 0), compared),
    ]
    return cells, numbers


def _tokens(epoch: EpochSeconds) -> int:
    """That an epoch predicts."""
    return round(epoch.tokens_per_second * epoch.train_seconds)


def _share(per_token: int | None, speed: float, peak: Peak | None) -> float | None:
    return per_token * speed / peak.flops_per_second if per_token and peak else None


def _cell(number: float | None, unit: float, decimals: int) -> str:
    return NOT_PUBLISHED if number is None else f"{number / unit:,.{decimals}f}"
