"""The paper's Table 2: time and memory of one block against the length of its input, and by what they grow."""

from pathlib import Path
from typing import Any

from pipeline.artifacts.cost_records import ScalingResult
from pipeline.artifacts.current import left_out_notes
from pipeline.artifacts.devices import Device, read_devices
from pipeline.base import paths
from pipeline.claims.growth import COSTS, Cost, asked_lengths, growth
from pipeline.params.schema import Params
from pipeline.report.groups import Member, member
from pipeline.report.published import Published, ScalingRow
from pipeline.report.tables import scaling_cells
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
)
from pipeline.report.tables.scaling_cells import Theirs

UNITS: dict[Cost, str] = {"time": "ms", "memory": "MiB"}
OTHER_TIMES = {
    "queued_milliseconds": "time, all work told beforehand",
    "finite_milliseconds": "time, told beforehand, with gradients that stay finite",
}
"""Of a GPU: short blocks run faster than they can be told, and infinite numbers can be faster to compute with."""


def scaling_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the factors per doubling for the summary, by device."""
    models, devices = params.scaling.models, read_devices(params)
    members = {model: member(params, model) for model in models}
    theirs = {model: {row.length: row for row in published_rows(each, published)} for model, each in members.items()}
    columns = []
    for model in models:
        quantity = Quantity(members[model].name(published))
        columns += [Column(quantity, "published")] if theirs[model] else []
        columns.append(Column(quantity, "reproduced"))
    groups = [group for device in devices for group in _groups(params, device, theirs)]
    asked = asked_lengths(params.claims)
    predicted = [[_doubling(length), *scaling_cells.predicted(params, theirs, length)] for length in asked[:-1]]
    groups.append(Group("by arithmetic: multiply-adds / numbers kept for the backward pass", predicted))
    summary = {
        device.name: {model: _summary(params, scaling) for model, scaling in device.scalings.items()}
        for device in devices
        if device.scalings
    }
    measured = [scaling for device in devices for scaling in device.scalings.values()]
    title = "One block against length: published beside reproduced (the paper's Table 2)"
    return Table("scaling", title, "Quantity", "T", columns, groups, _notes(params, measured)), summary


def _groups(params: Params, device: Device, theirs: Theirs) -> list[Group]:
    """What was measured on one device."""
    scalings = {model: device.scalings.get(model) for model in params.scaling.models}
    lengths = sorted(
        {point.length for scaling in device.scalings.values() for point in scaling.points}
        | {length for rows in theirs.values() for length in rows}
    )
    asked = asked_lengths(params.claims)
    groups = []
    for cost, unit in UNITS.items():
        rows = [[str(length), *scaling_cells.costs(scalings, theirs, length, cost)] for length in lengths]
        factors = [
            [_doubling(length), *scaling_cells.factors(params, scalings, theirs, length, cost)] for length in asked[:-1]
        ]
        groups += [Group(f"{cost} ({unit})", rows), Group(f"{cost}: times as much at twice the length", factors)]
    for field, label in OTHER_TIMES.items():
        if any(getattr(point, field) for scaling in device.scalings.values() for point in scaling.points):
            rows = [[str(length), *scaling_cells.other_times(scalings, theirs, length, field)] for length in lengths]
            groups.append(Group(f"{label} (ms)", rows))
    fitting = [
        [str(length), *scaling_cells.fitting(scalings, theirs, length)] for length in lengths if length >= asked[0]
    ]
    groups.append(Group(f"fits in {params.scaling.cap.gib} GiB", fitting))
    return [
        Group(on_device(group.label, device), [_with_files(row, device, theirs) for row in group.rows])
        for group in groups
    ]


def _with_files(row: list[str], device: Device, theirs: Theirs) -> list[str]:
    """The row, whose reproduced cells know the file of their model."""
    label, *cells = row
    files: list[list[Path]] = []
    for model, published in theirs.items():
        files += [[]] if published else []
        files.append([paths.scaling(model, device.key)])
    return [label, *(made(cell, of) if of else cell for cell, of in zip(cells, files, strict=True))]


def _notes(params: Params, measured: list[ScalingResult]) -> list[str]:
    settings = {
        f"{s.provenance.precision}, batch {s.on.batch_size} for time and {s.on.memory_batch_size} for memory, "
        f"d = {s.entry['d_model']}"
        for s in measured
    }
    rounds = " or ".join(str(count) for count in sorted({s.on.repetitions for s in measured})) or "several"
    return [
        f"One block, forward and backward in train mode ({'; '.join(sorted(settings)) or NOT_RUN}; published: "
        "float16, batch 16, d = 512, one NVIDIA T4, mean of 20). A number in float32 takes the memory of two in "
        f"float16. Time: median ± half the interquartile range over {rounds} rounds, "
        "in which all lengths took turns. Memory: the most that tensors hold at once, a count that is the same in each "
        "run. OOM: out of memory.",
        "Times as much: of time, the median of the ratios within a round, with a 95 % bootstrap interval over rounds. "
        "By arithmetic: of the block's matrix products, and of what autograd keeps; –: no formula.",
        *_limit_notes(params, measured),
        *cost_notes("The counted passes", sum(sum(p.milliseconds) for s in measured for p in s.points) / 1000),
        *left_out_notes(params),
        *machine_notes([scaling.provenance for scaling in measured]),
    ]


def _limit_notes(params: Params, measured: list[ScalingResult]) -> list[str]:
    """What ran out where memory ran out."""
    if not measured:
        return []
    limits = sorted({s.available_gib for s in measured})
    told = " to ".join(dict.fromkeys(f"{limit:.1f}" for limit in (limits[0], limits[-1])))
    return [
        f"A process could have {told} GiB, or {params.scaling.cap.gib} where it says so. One that times keeps what it "
        "has freed, and runs out earlier."
    ]


def published_rows(each: Member, published: Published) -> list[ScalingRow]:
    """Cost the paper has of one block; its Transformer holds T x T weights."""
    return [] if each.is_fused else published.scaling.get(each.role, [])


def _doubling(length: int) -> str:
    return f"{length} to {2 * length}"


def _summary(params: Params, scaling: ScalingResult) -> dict[str, dict[str, float]]:
    """By cost, the factor from each length to twice that length."""
    return {
        f"{cost}_per_doubling": {str(each.length): each.ratio.mean for each in growth(scaling, cost, params).doublings}
        for cost in COSTS
    }
