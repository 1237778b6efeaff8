"""The paper's Table 2: time and memory of one block against the length of its input."""

from statistics import quantiles
from typing import Any

from pipeline.artifacts.current import left_out_notes, read_scaling
from pipeline.artifacts.records import ALL_MEMORY, ScalingPoint, ScalingResult
from pipeline.claims.costs import Cost, exponent
from pipeline.params.schema import Params
from pipeline.report.groups import Member, member
from pipeline.report.published import Published, ScalingRow
from pipeline.report.tables.layout import (
    NOT_PUBLISHED,
    NOT_RUN,
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    machine_notes,
    with_interval,
)

OUT_OF_MEMORY = "OOM"
UNITS: dict[Cost, str] = {"time": "ms", "memory": "MiB"}


def scaling_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the growth exponents for the summary."""
    models = params.scaling.models
    scalings = {model: read_scaling(params, model) for model in models}
    measured = [scaling for scaling in scalings.values() if scaling]
    members = {model: member(params, model) for model in models}
    theirs = {model: {row.length: row for row in published_rows(each, published)} for model, each in members.items()}
    columns = []
    for model in models:
        quantity = Quantity(members[model].name(published))
        columns += [Column(quantity, "published")] if theirs[model] else []
        columns.append(Column(quantity, "reproduced"))
    lengths = sorted({p.length for s in measured for p in s.points} | {t for rows in theirs.values() for t in rows})
    groups = []
    cap = params.scaling.cap
    rounds = {ALL_MEMORY: "all memory", cap.name: f"at most {cap.gib} GiB"}
    for memory, label in rounds.items():
        for cost, unit in UNITS.items():
            rows = [[str(length), *_cells(models, scalings, theirs, length, memory, cost)] for length in lengths]
            if memory == ALL_MEMORY:
                rows.append([f"exponent (T ≥ {params.claims.shortest})", *_exponents(params, scalings, theirs, cost)])
            groups.append(Group(f"{cost} ({unit}), {label}", rows))
    settings = {f"{s.provenance.precision}, batch {s.on.batch_size}, d = {s.entry['d_model']}" for s in measured}
    notes = [
        f"One block, forward and backward in train mode ({', '.join(sorted(settings)) or NOT_RUN}; published: "
        "float16, batch 16, d = 512, one NVIDIA T4, mean of 20). Time: median ± half the interquartile range of "
        "device events, or of the wall clock on a CPU. Memory: most allocated to tensors on CUDA; on a CPU "
        "weights, gradients, and how far the most resident rose above that of a pass over a few tokens. OOM: out of "
        "memory.",
        "Exponent: slope of the log-log fit with its 95 % t interval. Each point was measured in a process of its own.",
        *cost_notes("The counted passes", sum(sum(p.milliseconds) for s in measured for p in s.points) / 1000),
        *left_out_notes(params),
        *machine_notes([scaling.provenance for scaling in measured]),
    ]
    summary = {model: _summary(params, scaling) for model, scaling in scalings.items() if scaling}
    title = "One block against length: published beside reproduced (the paper's Table 2)"
    return Table("scaling", title, "Quantity", "T", columns, groups, notes), summary


def published_rows(each: Member, published: Published) -> list[ScalingRow]:
    """Cost the paper has of one block; its Transformer holds T x T weights."""
    return [] if each.is_fused else published.scaling.get(each.role, [])


def _cells(
    models: list[str],
    scalings: dict[str, ScalingResult | None],
    theirs: dict[str, dict[int, ScalingRow]],
    length: int,
    memory: str,
    cost: Cost,
) -> list[str]:
    cells = []
    for model in models:
        if theirs[model]:
            cells.append(_published(theirs[model].get(length), cost))
        scaling = scalings[model]
        points = [p for p in scaling.points if p.length == length and p.memory == memory] if scaling else []
        cells.append(_reproduced(points[0], cost) if points else NOT_RUN)
    return cells


def _published(row: ScalingRow | None, cost: Cost) -> str:
    if row is None:
        return NOT_PUBLISHED
    value = row.milliseconds if cost == "time" else row.peak_mib
    return OUT_OF_MEMORY if value is None else f"{value:.2f}"


def _reproduced(point: ScalingPoint, cost: Cost) -> str:
    if point.status == "oom" or point.peak_mib is None:
        return OUT_OF_MEMORY
    if cost == "memory":
        return f"{point.peak_mib:.1f}"
    low, middle, high = quantiles(point.milliseconds, n=4, method="inclusive")
    return f"{middle:.1f} ± {(high - low) / 2:.1f}"


def _exponents(
    params: Params, scalings: dict[str, ScalingResult | None], theirs: dict[str, dict[int, ScalingRow]], cost: Cost
) -> list[str]:
    cells = []
    for model, scaling in scalings.items():
        if theirs[model]:
            cells.append("")
        value = exponent(scaling, cost, params) if scaling else None
        cells.append(with_interval(value, 2) if value else NOT_RUN)
    return cells


def _summary(params: Params, scaling: ScalingResult) -> dict[str, float | None]:
    exponents = {f"{cost}_exponent": exponent(scaling, cost, params) for cost in UNITS}
    return {name: value.mean if value else None for name, value in exponents.items()}
