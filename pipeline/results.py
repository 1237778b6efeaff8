"""The result files: what stands in them, how they are written, and how they are read without trusting them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError

from pipeline.errors import UserError
from pipeline.files import read_json, write_json
from pipeline.params import NonNegativeInt, Precision, Section, Sha256, Split


class Code(Section):
    """Which code it was."""

    commit: str | None
    """The commit, `-dirty` where the code differs from it; null outside git."""
    sha256: Sha256
    """Hash of all Python files of gam and pipeline."""


class Provenance(Section):
    """What a result was made with. No times and no paths: the same run gives the same bytes."""

    code: Code
    data: dict[Split, Sha256]
    """Hash of the token ids of each split."""
    packages: dict[str, str | None]
    """Versions of the packages that can change a number; null where one is not installed."""
    device: str
    """The device as its maker names it."""
    device_type: Literal["cpu", "cuda"]
    threads: PositiveInt
    deterministic: bool
    allocator: str
    precision: Precision


class RunResult(Section):
    """What every file of a run begins and ends with."""

    dataset: str
    model: str
    seed: NonNegativeInt
    provenance: Provenance


class EpochLosses(Section):
    """Nats per token after an epoch."""

    epoch: PositiveInt
    steps: PositiveInt
    """Steps made so far, all epochs together."""
    train_loss: NonNegativeFloat
    """Mean of the steps' losses, dropout included."""
    validation_loss: NonNegativeFloat
    """Published definition: mean over batches of the batch mean."""


class Curve(RunResult):
    """What a run computed."""

    parameters: PositiveInt
    epochs: Annotated[list[EpochLosses], Field(min_length=1)]


class EpochSeconds(Section):
    """Wall clock of an epoch."""

    epoch: PositiveInt
    train_seconds: PositiveFloat
    validation_seconds: PositiveFloat
    tokens_per_second: PositiveFloat
    """Of the training part."""


class Clock(RunResult):
    """What the clock said: never judged, since other processes may have been running."""

    epochs: Annotated[list[EpochSeconds], Field(min_length=1)]


class SplitMetrics(Section):
    """What the weights are worth on one split; pipeline.metrics says how each is defined."""

    loss: NonNegativeFloat
    perplexity: PositiveFloat
    token_loss: NonNegativeFloat
    token_perplexity: PositiveFloat
    bits_per_byte: NonNegativeFloat
    word_perplexity: PositiveFloat
    targets: PositiveInt


class Metrics(RunResult):
    """What the weights of a run are worth."""

    splits: dict[Literal["validation", "test"], SplitMetrics]


Result = TypeVar("Result", bound=RunResult)


def write_result(path: Path, result: RunResult) -> None:
    """Write a result as JSON, atomically; what it was made with comes last."""
    stamp = {"provenance"}
    write_json(path, result.model_dump(exclude=stamp) | result.model_dump(include=stamp))


def read_result(path: Path, kind: type[Result]) -> Result | None:
    """Read a result; None where the run was not made. Raises UserError naming the file and the field that is wrong."""
    if not path.exists():
        return None
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(
            f"{path}: {field}: {first['msg']}; restore the file from git, or make it anew with `dvc repro`"
        ) from None


def read_runs(
    path_of: Callable[[str, str, int], Path], kind: type[Result], dataset: str, model: str, seeds: list[int]
) -> list[Result]:
    """The results that are there, of one data set and model, in the order of the grid's seeds."""
    found = [read_result(path_of(dataset, model, seed), kind) for seed in seeds]
    return [result for result in found if result is not None]
