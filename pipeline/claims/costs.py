"""Claims about time and memory, which do not depend on the text: training steps, and one block against its length."""

from pipeline.artifacts.cost_records import ScalingResult
from pipeline.artifacts.devices import Device
from pipeline.base import paths
from pipeline.claims.growth import COSTS, Cost, asked_lengths, growth, judge_growth, side
from pipeline.claims.intervals import saved
from pipeline.claims.measurements import NAMES, Fit, Machine, Measurement, not_run
from pipeline.claims.verdicts import beyond, holds
from pipeline.params.models import Role
from pipeline.params.schema import Params

FITS_GAM, FITS_TRANSFORMER = 8192, 2048
"""Lengths in tokens that the paper says fit its GPU (C6)."""
PER_DOUBLING: dict[Cost, str] = {
    "time": "time per doubling",
    "queued time": "time per doubling, all work told before the GPU begins",
    "memory": "memory per doubling",
}
"""What is measured. The paper measured the first time; so the second is beside the claim."""


def faster(params: Params, on: Device, *rivals: Role) -> list[Measurement]:
    """C1, C2: the share of a training step's time that GAM saves, over whole measurements."""
    timing, gam = on.timing, params.timed_gam()
    models = [name for name in params.timing.models if params.models[name].role in rivals]
    found = []
    for model in models:
        entry = params.models[model]
        what = f"vs {'fused ' if entry.is_fused else ''}{NAMES[entry.role]}"
        if timing is None:
            found.append(not_run(what))
            continue
        p, is_mamba = timing.provenance, entry.role == "mamba"
        effect = saved(timing.by_measurement(gam), timing.by_measurement(model))
        slow = is_mamba and not p.mamba_kernels  # not the Mamba that the paper timed
        machine = Machine(p.device, p.device_type, p.precision, timing.batch_size, block_size=timing.block_size)
        found.append(
            Measurement(
                what,
                "not judged" if slow else beyond(effect, params.claims.margin_ratio),
                effect,
                "share of time",
                effect.n,
                "measurements",
                remark="without its fast GPU code" if slow else "",
                machine=machine,
                source=paths.timing(on.key),
                files=(paths.timing(on.key),),
            )
        )
    return found


def linear_growth(params: Params, on: Device) -> list[Measurement]:
    """C5: GAM's time and memory, at every doubling that is asked for."""
    gam, asked = _measured_block(params, on, "gam"), len(asked_lengths(params.claims)) - 1
    return _growth(params, on, gam, params.claims.linear_ratio, asked, parts=len(COSTS) * asked)


def quadratic_growth(params: Params, on: Device) -> list[Measurement]:
    """C6: those of the published Transformer's block, at every doubling that fits, and what fits the memory of a T4."""
    transformer, gam = (_measured_block(params, on, role) for role in ("transformer", "gam"))
    parts = 1 + sum(len(growth(transformer, cost, params).doublings) for cost in COSTS) if transformer else 1
    grown = _growth(params, on, transformer, params.claims.quadratic_ratio, 1, parts)
    return [*grown, _fit(params, on, transformer, gam)]


def _growth(
    params: Params, on: Device, scaling: ScalingResult | None, allowed: list[float], fewest: int, parts: int
) -> list[Measurement]:
    """The claim that a block's time and memory grow by a factor in a range; with `fewest` doublings at least."""
    found = []
    costs: tuple[Cost, ...] = COSTS
    if scaling is not None and growth(scaling, "queued time", params).doublings:
        costs += ("queued time",)
    for cost in costs:
        what = PER_DOUBLING[cost]
        grown = growth(scaling, cost, params) if scaling else None
        if scaling is None or grown is None or len(grown.doublings) < fewest:
            found.append(not_run(what))
            continue
        verdict = judge_growth(scaling, cost, params, allowed, parts)
        source = paths.scaling(scaling.model, on.key)
        remark = side(grown, allowed) if verdict == "contradicted" else ""
        found.append(
            Measurement(
                what,
                verdict,
                grown,
                is_part=cost in COSTS,
                remark=remark,
                machine=_machine(scaling),
                source=source,
                files=(source,),
            )
        )
    return found


def _fit(params: Params, on: Device, transformer: ScalingResult | None, gam: ScalingResult | None) -> Measurement:
    """The claim that the Transformer runs out of memory past a length where GAM still fits a longer one."""
    what = f"tokens that fit in {params.scaling.cap.gib} GiB"
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
        source=paths.SCALINGS,
        files=tuple(paths.scaling(each.model, on.key) for each in (transformer, gam)),
    )


def _measured_block(params: Params, on: Device, role: Role) -> ScalingResult | None:
    """The measurement of the block that plays a part; of the Transformers the one with T x T weights, as published."""
    models = [name for name in params.scaling.models if params.models[name].role == role]
    plain = [name for name in models if not params.models[name].is_fused]
    return on.scalings.get(plain[0]) if plain else None


def _machine(scaling: ScalingResult) -> Machine:
    p, on = scaling.provenance, scaling.on
    return Machine(
        p.device,
        p.device_type,
        p.precision,
        on.batch_size,
        d_model=scaling.entry["d_model"],
        memory_batch_size=on.memory_batch_size,
    )


def _fits(scaling: ScalingResult) -> dict[int, bool]:
    """Whether each length fitted under the cap, as far as that was tried."""
    return {point.length: point.fits_cap for point in scaling.points if point.fits_cap is not None}
