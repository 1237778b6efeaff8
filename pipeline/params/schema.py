"""The typed view of params.yaml. DVC cannot see a default, so every field is spelled out there.

The exceptions are fields that came after the first results: `ModelEntry` says which, and what their absence means.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, ValidationError, model_validator

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params import consistency
from pipeline.params.datasets import Dataset
from pipeline.params.families import Family
from pipeline.params.fields import INT64, Name, NonNegativeInt, PositiveInt, Section, require
from pipeline.params.models import AnyEntry
from pipeline.params.protocols import Protocol, Train, Tuning
from pipeline.params.reading import first_mistake, read_yaml
from pipeline.params.recall import Recall

MOVED = {
    ("grid",): "its runs are families.paper now, its scaling_models scaling.models",
    ("cpu_grids",): "its runs are families of their own now, under families",
    ("claims", "families"): "the models to compare stand under families now, and their parts follow from block and "
    "switches",
    ("claims", "linear"): "what counts as linear is claims.linear_ratio now, a factor per doubling of the length",
    ("claims", "quadratic"): "what counts as quadratic is claims.quadratic_ratio now, a factor per doubling of the "
    "length",
    ("scaling", "repetitions"): "each type of device has repetitions of its own now, under scaling.cpu and "
    "scaling.cuda",
}
"""Keys of earlier versions, and where what they said stands now."""


class Runtime(Section):
    """How it runs, never what it computes: DVC does not track this section, provenance records it."""

    device: Literal["auto", "cpu", "cuda"]
    """auto: CUDA where there is a device, else the CPU."""
    threads: int = Field(ge=1, le=1024)
    """CPU threads of one operation. Sums are split by it, so the last bits of a result depend on it."""
    deterministic: bool
    """Refuse operations whose result may differ from one call to the next."""


class Steps(Section):
    """How training steps are timed, whatever the models."""

    vocab_size: int = Field(ge=5, lt=INT64)
    measurements: PositiveInt
    """Whole measurements, each in a process of its own. They are what an interval is taken over: the rounds of one
    measurement follow each other, and what made one slow may be there still in the next."""
    warmup: PositiveInt
    """Steps of each model, in each measurement, that are not counted."""
    repetitions: int = Field(ge=3, lt=INT64)
    """Rounds that are: one step of each model."""


class Timing(Steps):
    """Which models' training steps are timed, in turn, and how."""

    models: list[Name]
    """One GAM and what it is compared with: of the Transformer the published way to compute it and the fast one, so
    that no verdict rests on a slow opponent."""

    def steps(self) -> Steps:
        """The same without the models."""
        return Steps(**self.model_dump(exclude={"models"}))


class ScalingOn(Section):
    """What is measured on one type of device."""

    precision: Literal["float32", "float16"]
    """float16 means autocast and a gradient scaler, as published."""
    batch_size: PositiveInt
    """Of the passes that are timed."""
    memory_batch_size: PositiveInt
    """Of the passes whose memory is measured. It has no bearing on time, and may be as large as the paper's."""
    repetitions: int = Field(ge=5, lt=INT64)
    """Rounds that are counted: one pass at each length."""
    lengths: list[PositiveInt] = Field(min_length=1)
    """Tokens, in ascending order."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require(self.lengths == sorted(set(self.lengths)), "lengths must name each length once, the shortest first")
        return self


class Cap(Section):
    """A limit of memory that stands for a smaller device."""

    name: Name
    gib: float = Field(gt=0, le=2**20)


class Scaling(Section):
    """How one block is measured against the length of its input (the paper's Table 2)."""

    models: list[Name]
    cuda: ScalingOn
    cpu: ScalingOn
    warmup: NonNegativeInt
    """Rounds that are not counted."""
    cap: Cap
    """What the paper's device had: whether a block fits into it is tried at each length."""

    def on(self, device_type: str) -> ScalingOn:
        """What is measured on a type of device."""
        return self.cuda if device_type == "cuda" else self.cpu


Range = Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
"""From and to."""


class Claims(Section):
    """How claims are judged."""

    margin_nats: PositiveFloat
    """Differences of loss up to this are too small to matter."""
    margin_ratio: PositiveFloat
    """Likewise the part of a time that is saved."""
    margin_gate: PositiveFloat
    """Likewise differences of gate values."""
    assay_nats: PositiveFloat
    """How far below the loss of a count models must be, or comparing them is no valid test (docs/statistics.md)."""
    linear_ratio: Range
    """By what a cost that is linear in the length may grow when the length doubles, from and to."""
    quadratic_ratio: Range
    """Likewise one that is quadratic."""
    shortest: PositiveInt
    """Length in tokens from which on growth is judged: below it launching dominates the operation."""
    longest: PositiveInt
    """The last length, some doublings of the first."""

    @model_validator(mode="after")
    def _ranges_and_doublings(self) -> Self:
        for name, ends in (("linear_ratio", self.linear_ratio), ("quadratic_ratio", self.quadratic_ratio)):
            require(ends[0] < ends[1], f"{name} must go from the smaller to the larger, got {ends}")
        doublings = [self.shortest << times for times in range(1, 63)]
        told = f"longest must be shortest, which is {self.shortest}, doubled once or more, got {self.longest}"
        require(self.longest in doublings, told)
        return self


class Params(Section):
    """All of params.yaml."""

    runtime: Runtime
    families: dict[Name, Family]
    datasets: dict[Name, Dataset]
    models: dict[Name, AnyEntry]
    train: Train
    protocols: dict[Name, Protocol]
    """By the name under which families choose them."""
    tuning: Tuning
    timing: Timing
    scaling: Scaling
    recall: Recall
    claims: Claims

    def runs(self) -> dict[tuple[str, str], list[int]]:
        """The seeds of all runs, by data set and model."""
        return {run: seeds for family in self.families.values() for run, seeds in family.seeded().items()}

    def protocol(self, dataset: str, model: str) -> Protocol | None:
        """What the family of a run trains by; None where that is `train`."""
        names = (family.protocol for family in self.families.values() if (dataset, model) in family.runs())
        name = next(names, None)
        return None if name is None else self.protocols[name]

    def is_tuned(self, dataset: str, model: str) -> bool:
        """Whether the run's learning rate is the one that the stage `tune` finds."""
        return self.protocol(dataset, model) is not None and self.models[model].learning_rate is None

    def tuned(self) -> list[tuple[str, str]]:
        """Text and model of all runs whose learning rate is tuned."""
        return [run for run in self.runs() if self.is_tuned(*run)]

    def runtime_of(self, dataset: str, model: str) -> Runtime:
        """`runtime` as it holds for one run."""
        protocol = self.protocol(dataset, model)
        return self.runtime.model_copy(update={"threads": protocol.threads}) if protocol else self.runtime

    def batch_size(self, dataset: str, model: str) -> int:
        """Blocks per batch of one run, in training and in evaluation."""
        return (self.protocol(dataset, model) or self.train).batch_size

    def timed_gam(self) -> str:
        """The GAM whose steps are timed."""
        return next(name for name in self.timing.models if self.models[name].role == "gam")

    def used_models(self) -> set[str]:
        """The entries of `models` that some stage needs, beside the one that takes their fingerprint."""
        trained = [*(model for _, model in self.runs()), *self.recall.models, *self.recall.facts_models]
        return {*self.timing.models, *self.scaling.models, *trained}

    @model_validator(mode="after")
    def _all_fits_together(self) -> Self:
        consistency.check_families(self.families, self.datasets, self.models)
        consistency.check_protocols(self.families, self.protocols, self.tuning)
        consistency.check_measured(self.timing.models, self.scaling.models, self.models)
        self.recall.check(self.models)
        return self


def load_params(path: Path = paths.PARAMS) -> Params:
    """Read and validate params.yaml. Raises UserError naming the first field that is wrong."""
    return validate_params(read_yaml(path), path)


def validate_params(values: Any, path: Path) -> Params:
    """The content of `path`, validated. Raises UserError naming the first field that is wrong."""
    for keys, now in MOVED.items():
        inner = values
        for key in keys:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if inner is not None:
            raise UserError(f"{path}: {'.'.join(keys)} is of an earlier version: {now}; docs/extending.md shows how")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error, values)}") from None
