"""Operations, peaks, timing and scaling as their stages would have written them, with numbers that are made up."""

from pipeline.artifacts.cost_records import (
    FlopCounts,
    Peak,
    PeakResult,
    ScalingPoint,
    ScalingResult,
    StepTimes,
    TimingResult,
)
from pipeline.artifacts.devices import device_key
from pipeline.artifacts.records import Provenance
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.params.models import Precision
from pipeline.params.schema import load_params
from tests.made_up import STAMP


def write_flops(**per_token: int) -> None:
    """So many operations for each token that a model is trained on."""
    write_result(paths.FLOPS, FlopCounts(per_token={"stories": per_token}, provenance=STAMP))


def write_peak(flops_per_second: float, threads: int = 2, precision: Precision = "float32") -> None:
    """What the device makes at most in one setting."""
    peak = Peak(threads=threads, precision=precision, size=8, flops_per_second=flops_per_second)
    result = PeakResult(peaks=[peak], provenance=STAMP)
    write_result(paths.peak(device_key(STAMP.device, STAMP.instructions)), result)


def write_timing(stamp: Provenance = STAMP, noise: float = 0.0, **seconds: float) -> None:
    """Step times around these for each model, each round a little slower than the one before.

    The Transformer's two ways take the same time, unless told apart. GAM's take more and less in turn, by the part
    `noise`, from one measurement to the next.
    """
    params = load_params()
    seconds = {"transformer-fused": seconds["transformer"]} | seconds
    slower = [1 + at / 1000 for at in range(params.timing.repetitions)]
    measurements = [
        StepTimes(
            busy_before=0.01 * number,
            seconds={
                name: [value * factor * (1 + noise * (-1) ** number * (name == "gam")) for factor in slower]
                for name, value in seconds.items()
            },
        )
        for number in range(params.timing.measurements)
    ]
    timing = TimingResult(
        batch_size=params.train.batch_size,
        block_size=32,
        timing=params.timing.steps(),
        entries={name: params.models[name].as_written() for name in seconds},
        measurements=measurements,
        provenance=stamp,
    )
    write_result(paths.timing(device_key(stamp.device, stamp.instructions)), timing)


def scaling_point(
    length: int, milliseconds: float | None, peak_mib: float | None, fits_cap: bool | None = True, noise: float = 0.0
) -> ScalingPoint:
    """A point whose time, None where it ran out of memory, is in each odd round by the part `noise` longer."""
    rounds = load_params().scaling.cpu.repetitions
    times = [] if milliseconds is None else [milliseconds * (1 + noise * (at % 2)) for at in range(rounds)]
    return ScalingPoint(length=length, milliseconds=times, peak_mib=peak_mib, fits_cap=fits_cap)


def write_scaling(model: str, points: list[ScalingPoint], stamp: Provenance = STAMP) -> None:
    params = load_params()
    result = ScalingResult(
        model=model,
        entry=params.models[model].as_written(),
        on=params.scaling.on(stamp.device_type),
        warmup=params.scaling.warmup,
        cap_gib=params.scaling.cap.gib,
        available_gib=21.5,
        points=points,
        provenance=stamp,
    )
    write_result(paths.scaling(model, device_key(stamp.device, stamp.instructions)), result)
