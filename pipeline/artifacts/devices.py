"""What was measured of time and memory, device by device, with what params.yaml says now: all that tables may show."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.artifacts.cost_records import Peak, PeakResult, ScalingResult, TimingResult
from pipeline.artifacts.records import Provenance
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.schema import Params


@dataclass
class Device:
    """A device, and what was measured on it."""

    key: str = ""
    """Its name in names of files."""
    timing: TimingResult | None = None
    """Of training steps."""
    scalings: dict[str, ScalingResult] = field(default_factory=dict)
    """Of one block of a model, by model."""

    @property
    def provenances(self) -> list[Provenance]:
        return [result.provenance for result in [self.timing, *self.scalings.values()] if result is not None]

    @property
    def name(self) -> str:
        """Empty where nothing was measured."""
        return device_name(self.provenances[0]) if self.provenances else ""

    @property
    def is_gpu(self) -> bool:
        return any(provenance.device_type == "cuda" for provenance in self.provenances)


def device_name(made_on: Provenance) -> str:
    """As its maker names it, a CPU with its last instructions: those of one name differ in them, and in speed. Several
    processes are told too."""
    last = (made_on.instructions or "").split(" ")[-1]
    name = f"{made_on.device} with {last}" if last else made_on.device
    return name if made_on.world_size == 1 else f"{name}, {made_on.world_size} processes"


def device_key(device: str, instructions: str | None) -> str:
    """The same for names of files: small letters, digits and hyphens."""
    told = re.sub(r"\((?:R|TM)\)", "", f"{device} {(instructions or '').split(' ')[-1]}")
    return re.sub(r"[^a-z0-9]+", "-", told.lower()).strip("-")


def read_peak(made_on: Provenance) -> Peak | None:
    """What the device of a training computes at most, with its threads and precision, where that was measured: which
    it is for one process."""
    if made_on.world_size > 1:
        return None
    result = read_result(paths.peak(device_key(made_on.device, made_on.instructions)), PeakResult)
    setting = made_on.threads, made_on.precision
    return next((each for each in result.peaks if (each.threads, each.precision) == setting), None) if result else None


def read_devices(params: Params) -> list[Device]:
    """GPUs first. Where nothing was measured on any, one without results."""
    found: dict[str, Device] = {}
    for file in _files(paths.TIMINGS):
        timing = read_timing(params, file)
        if timing:
            found.setdefault(file.stem, Device(file.stem)).timing = timing
    for model in params.scaling.models:
        for file in _files(paths.SCALINGS / model):
            scaling = read_scaling(params, model, file)
            if scaling:
                found.setdefault(file.stem, Device(file.stem)).scalings[model] = scaling
    return sorted(found.values(), key=lambda device: (not device.is_gpu, device.name)) or [Device()]


def read_timing(params: Params, file: Path) -> TimingResult | None:
    """The step times in a file, if they are of the present models."""
    timing = read_result(file, TimingResult)
    return timing if timing and _times_are_current(timing, params) else None


def read_scaling(params: Params, model: str, file: Path) -> ScalingResult | None:
    """The measurement of one block of a model in a file, if it is of the present block."""
    scaling = read_result(file, ScalingResult)
    return scaling if scaling and _scaling_is_current(scaling, model, params) else None


def left_out(params: Params) -> list[str]:
    """Names of measurements that are there and made with other parameters."""
    old = [f"timing on {file.stem}" for file in _files(paths.TIMINGS) if read_timing(params, file) is None]
    return old + [
        f"scaling of {model} on {file.stem}"
        for model in params.scaling.models
        for file in _files(paths.SCALINGS / model)
        if read_scaling(params, model, file) is None
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def _times_are_current(timing: TimingResult, params: Params) -> bool:
    same_steps = timing.batch_size == params.train.batch_size and timing.timing == params.timing.steps()
    return same_steps and timing.entries == {name: params.models[name].as_written() for name in params.timing.models}


def _scaling_is_current(scaling: ScalingResult, model: str, params: Params) -> bool:
    now = params.scaling
    made_with = params.models[model].as_written(), now.on(scaling.provenance.device_type), now.warmup, now.cap.gib
    return (scaling.entry, scaling.on, scaling.warmup, scaling.cap_gib) == made_with
