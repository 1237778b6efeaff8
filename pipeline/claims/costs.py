"""Claims about time and memory, which do not depend on the text: training steps, and one block against its length."""

from statistics import median
from typing import Literal

from pipeline.artifacts.current import read_scaling, read_timing
from pipeline.artifacts.records import ALL_MEMORY, ScalingResult
from pipeline.base import paths
from pipeline.claims.intervals import Estimate, growth_exponent, saved
from pipeline.claims.measurements import NAMES, Fit, Machine, Measurement, not_run
from pipeline.claims.verdicts import between, beyond, holds
from pipeline.params.models import Role
from pipeline.params.schema import Params

Cost = Literal["time", "memory"]
COSTS: tuple[Cost, ...] = ("time", "memory")
FEWEST_LENGTHS = 3
"""Lengths from which on growth is fitted."""
FITS_GAM, FITS_TRANSFORMER = 8192, 2048
"""Lengths in tokens that the paper says fit its GPU (C6)."""


def faster(params: Params, *rivals: Role) -> list[Measurement]:
    """C1, C2: the share of a training step's time that GAM saves, from steps made in turn in one process."""
    timing, gam = read_timing(params), params.timed_gam()
    models = [name for name in params.timing.models if params.models[name].role in rivals]
    found = []
    for model in models:
        entry = params.models[model]
        what = f"vs {'fused ' if entry.is_fused else ''}{NAMES[entry.role]}"
        if timing is None:
            found.append(not_run(what))
            continue
        p, is_mamba = timing.provenance, entry.role == "mamba"
        effect = saved(timing.models[gam].seconds, timing.models[model].seconds)
        slow = is_mamba and not p.mamba_kernels  # not the Mamba that the paper timed
        machine = Machine(p.device, p.device_type, p.precision, timing.batch_size, block_size=timing.block_size)
        found.append(
            Measurement(
                what,
                "not judged" if slow else beyond(effect, params.claims.margin_ratio),
                effect,
                "share of time",
                effect.n,
                "rounds",
                remark="without its fast GPU code" if slow else "",
                machine=machine,
                source=paths.TIMING,
            )
        )
    return found


def linear_growth(params: Params) -> list[Measurement]:
    """C5: GAM's exponents."""
    return _growth(params, _measured_block(params, "gam"), params.claims.linear)


def quadratic_growth(params: Params) -> list[Measurement]:
    """C6: the published Transformer block's exponents, and what fits the memory of a T4."""
    transformer, gam = (_measured_block(params, role) for role in ("transformer", "gam"))
    return [*_growth(params, transformer, params.claims.quadratic), _fit(params, transformer, gam)]


def exponent(scaling: ScalingResult, cost: Cost, params: Params) -> Estimate | None:
    """Growth of the median time or the peak memory, with all of the memory; None with fewer than three lengths."""
    shortest = params.claims.shortest
    points = [p for p in scaling.points if p.memory == ALL_MEMORY and p.status == "ok" and p.length >= shortest]
    if len(points) < FEWEST_LENGTHS:
        return None
    values = [median(p.milliseconds) if cost == "time" else p.peak_mib or 0.0 for p in points]
    return growth_exponent([p.length for p in points], values)


def _growth(params: Params, scaling: ScalingResult | None, allowed: list[float]) -> list[Measurement]:
    """The claim that a block's time and memory grow with a power of the length that lies in a range."""
    found = []
    for cost in COSTS:
        what = f"exponent of {cost}"
        effect = exponent(scaling, cost, params) if scaling else None
        if scaling is None or effect is None:
            found.append(not_run(what))
            continue
        found.append(
            Measurement(
                what,
                between(effect, *allowed),
                effect,
                "exponent",
                effect.n,
                "lengths",
                machine=_machine(scaling),
                source=paths.scaling(scaling.model),
            )
        )
    return found


def _fit(params: Params, transformer: ScalingResult | None, gam: ScalingResult | None) -> Measurement:
    """The claim that the Transformer runs out of memory past a length where GAM still fits a longer one."""
    what = f"what fits in {params.scaling.cap.gib} GiB at {FITS_GAM} tokens"
    if transformer is None or gam is None or _machine(transformer) != _machine(gam):
        return not_run(what)
    fits_transformer, fits_gam = _fits(transformer), _fits(gam)
    longer = [length for length in fits_transformer if length > FITS_TRANSFORMER]
    if not longer or FITS_TRANSFORMER not in fits_transformer or FITS_GAM not in fits_gam:
        return not_run(what)
    longest = max((length for length, fits in fits_transformer.items() if fits), default=0)
    runs_out = fits_transformer[FITS_TRANSFORMER] and not any(fits_transformer[length] for length in longer)
    return Measurement(
        what,
        holds(runs_out and fits_gam[FITS_GAM]),
        Fit(longest, FITS_GAM, fits_gam[FITS_GAM]),
        machine=_machine(gam),
        source=paths.scaling(gam.model).parent,
    )


def _measured_block(params: Params, role: Role) -> ScalingResult | None:
    """The measurement of the block that plays a part; of the Transformers the one with T x T weights, as published."""
    models = [name for name in params.scaling.models if params.models[name].role == role]
    plain = [name for name in models if not params.models[name].is_fused]
    return read_scaling(params, plain[0]) if plain else None


def _machine(scaling: ScalingResult) -> Machine:
    p = scaling.provenance
    return Machine(p.device, p.device_type, p.precision, scaling.on.batch_size, d_model=scaling.entry["d_model"])


def _fits(scaling: ScalingResult) -> dict[int, bool]:
    """Whether each length fitted under the cap."""
    return {point.length: point.status == "ok" for point in scaling.points if point.memory != ALL_MEMORY}
