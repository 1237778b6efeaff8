"""What stands in the result files about cost: operations, steps of training, and one block against its length."""

from typing import Annotated, Any, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pipeline.artifacts.records import Stamped
from pipeline.params.fields import NonNegativeInt, Section
from pipeline.params.models import Precision
from pipeline.params.schema import ScalingOn, Steps


class FlopCounts(Stamped):
    """Floating-point operations of training: the same on every machine."""

    per_token: dict[str, dict[str, PositiveInt]]
    """By data set and model; pipeline.flops says what counts."""


class Peak(Section):
    """The fastest product of two square matrices."""

    threads: PositiveInt
    precision: Precision
    size: PositiveInt
    """Rows and columns of each matrix."""
    flops_per_second: PositiveFloat


class PeakResult(Stamped):
    """What a device computes at most, in each setting that a training has."""

    peaks: Annotated[list[Peak], Field(min_length=1)]


class StepTimes(Section):
    """One whole measurement, in a process of its own: training steps of several models in turn."""

    busy_before: float | None = Field(ge=0, le=1)
    """Share of the machine's processors that was busy just before; null where the system does not tell."""
    seconds: dict[str, list[PositiveFloat]]
    """Wall clock of each model's steps, by round."""


class TimingResult(Stamped):
    """Whole measurements of the same training steps, each started anew."""

    batch_size: PositiveInt
    block_size: PositiveInt
    timing: Steps
    """The section `timing` of params.yaml, but for its models."""
    entries: dict[str, dict[str, Any]]
    """By model, its entry in params.yaml."""
    measurements: list[StepTimes]

    def by_measurement(self, model: str) -> list[list[float]]:
        """A model's seconds in each measurement, by round."""
        return [each.seconds[model] for each in self.measurements]

    def seconds(self, model: str) -> list[float]:
        """All of a model's seconds."""
        return [seconds for each in self.by_measurement(model) for seconds in each]

    @model_validator(mode="after")
    def _all_models_alike(self) -> Self:
        steps = dict.fromkeys(self.entries, self.timing.repetitions)
        counts = [{name: len(times) for name, times in each.seconds.items()} for each in self.measurements]
        if counts != [steps] * self.timing.measurements:
            raise ValueError(
                f"{self.timing.measurements} measurements each have {self.timing.repetitions} times of each model"
            )
        return self


class ScalingPoint(Section):
    """What one block cost at one length."""

    length: PositiveInt
    """Tokens."""
    milliseconds: list[PositiveFloat]
    """Forward and backward, by round; empty where it ran out of memory."""
    queued_milliseconds: list[PositiveFloat] = Field(default=[])
    """On a GPU, the same with all work told before it begins."""
    finite_milliseconds: list[PositiveFloat] = Field(default=[])
    """In float16, queued, with a loss scale that keeps the gradients finite."""
    peak_mib: PositiveFloat | None
    """Most memory that tensors held at once, weights and gradients included: the same in every run. Null where it ran
    out of memory."""
    fits_cap: bool | None
    """Whether a pass fitted into cap_gib; null where the machine had less than that to give."""


class ScalingResult(Stamped):
    """One block of a model against the length of its input."""

    model: str
    entry: dict[str, Any]
    """The model's entry in params.yaml; of its block_size, n_layer, precision and compile nothing is used."""
    on: ScalingOn
    """What params.yaml says of this type of device."""
    warmup: NonNegativeInt
    cap_gib: PositiveFloat
    available_gib: PositiveFloat
    """What a process could have without the cap: all of a GPU; of a CPU's memory a little less than was free when the
    stage began."""
    points: Annotated[list[ScalingPoint], Field(min_length=1)]

    @model_validator(mode="after")
    def _all_rounds(self) -> Self:
        if any(len(point.milliseconds) not in (0, self.on.repetitions) for point in self.points):
            raise ValueError(f"a point that was timed has {self.on.repetitions} times")
        return self
