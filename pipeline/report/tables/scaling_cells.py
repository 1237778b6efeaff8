"""The cells of one row of the scaling table: what each model costs at one length, published beside reproduced."""

from statistics import quantiles

from pipeline.artifacts.cost_records import ScalingPoint, ScalingResult
from pipeline.claims.growth import COSTS, Cost, growth, predicted_ratio
from pipeline.claims.intervals import Estimate
from pipeline.params.schema import Params
from pipeline.report.published import ScalingRow
from pipeline.report.tables.layout import NOT_PUBLISHED, NOT_RUN, with_interval

OUT_OF_MEMORY = "OOM"
Scalings = dict[str, ScalingResult | None]
"""What was measured on one device, by model."""
Theirs = dict[str, dict[int, ScalingRow]]
"""What was published, by model and length; empty where the paper does not have the model."""


def _point(scaling: ScalingResult | None, length: int) -> ScalingPoint | None:
    return next((point for point in scaling.points if point.length == length), None) if scaling else None


def costs(scalings: Scalings, theirs: Theirs, length: int, cost: Cost) -> list[str]:
    """Time in ms with its spread, or memory in MiB."""
    cells = []
    for model, scaling in scalings.items():
        if theirs[model]:
            cells.append(_published(theirs[model].get(length), cost))
        point = _point(scaling, length)
        cells.append(_reproduced(point, cost) if point else NOT_RUN)
    return cells


def _published(row: ScalingRow | None, cost: Cost) -> str:
    if row is None:
        return NOT_PUBLISHED
    value = published_value(row, cost)
    return OUT_OF_MEMORY if value is None else f"{value:.2f}"


def _reproduced(point: ScalingPoint, cost: Cost) -> str:
    if cost == "memory":
        return OUT_OF_MEMORY if point.peak_mib is None else f"{point.peak_mib:.1f}"
    if not point.milliseconds:
        return OUT_OF_MEMORY
    return _spread(point.milliseconds)


def factors(params: Params, scalings: Scalings, theirs: Theirs, length: int, cost: Cost) -> list[str]:
    """By what a cost grew from `length` tokens to twice as many."""
    cells = []
    for model, scaling in scalings.items():
        if rows := theirs[model]:
            values = [published_value(rows[at], cost) for at in (length, 2 * length) if at in rows]
            there = [value for value in values if value is not None]
            cells.append(f"{there[1] / there[0]:.2f}" if len(there) == 2 else NOT_PUBLISHED)
        doublings = growth(scaling, cost, params).doublings if scaling else ()
        found = next((each.ratio for each in doublings if each.length == length), None)
        cells.append(_factor(found) if found else _no_factor(scaling, length))
    return cells


def _factor(ratio: Estimate) -> str:
    return with_interval(ratio, 2) if ratio.low != ratio.high else f"{ratio.mean:.2f}"


def _no_factor(scaling: ScalingResult | None, length: int) -> str:
    was_tried = _point(scaling, length) and _point(scaling, 2 * length)
    return OUT_OF_MEMORY if was_tried else NOT_RUN


def predicted(params: Params, theirs: Theirs, length: int) -> list[str]:
    """By what time, and memory, would grow if nothing but the counts decided."""
    cells = []
    for model, rows in theirs.items():
        ratios = [predicted_ratio(params, model, cost, length) for cost in COSTS]
        cells += [NOT_PUBLISHED] if rows else []
        cells.append(" / ".join(f"{ratio:.2f}" if ratio else "–" for ratio in ratios))
    return cells


def other_times(scalings: Scalings, theirs: Theirs, length: int, field: str) -> list[str]:
    """Median ± half the interquartile range of times that the paper does not have."""
    cells = []
    for model, scaling in scalings.items():
        cells += [NOT_PUBLISHED] if theirs[model] else []
        point = _point(scaling, length)
        times: list[float] = getattr(point, field) if point else []
        cells.append(_spread(times) if times else NOT_RUN if point is None else OUT_OF_MEMORY)
    return cells


def _spread(milliseconds: list[float]) -> str:
    low, middle, high = quantiles(milliseconds, n=4, method="inclusive")
    return f"{middle:.1f} ± {(high - low) / 2:.1f}"


def fitting(scalings: Scalings, theirs: Theirs, length: int) -> list[str]:
    """Whether a pass fits under the cap."""
    cells = []
    for model, scaling in scalings.items():
        if theirs[model]:
            row = theirs[model].get(length)
            cells.append(NOT_PUBLISHED if row is None else _fits(row.peak_mib is not None))
        point = _point(scaling, length)
        cells.append(NOT_RUN if point is None or point.fits_cap is None else _fits(point.fits_cap))
    return cells


def _fits(it_does: bool) -> str:
    return "yes" if it_does else OUT_OF_MEMORY


def published_value(row: ScalingRow, cost: Cost) -> float | None:
    """None where it ran out of memory."""
    return row.milliseconds if cost == "time" else row.peak_mib
