"""What stands in results/recall, and which of it is current."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pipeline.artifacts.records import Stamped
from pipeline.artifacts.settings import fingerprint_sha256
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params.fields import NonNegativeInt, Section, Sha256
from pipeline.params.recall import TaskName
from pipeline.params.schema import Params


class AtDistance(Section):
    """What was asked for from one distance."""

    distance: NonNegativeInt
    """Tokens between the asking token and what it asks for; of facts 0, since only the key itself is there."""
    asked: PositiveInt
    right: NonNegativeInt

    @model_validator(mode="after")
    def _no_more_than_asked(self) -> Self:
        if self.right > self.asked:
            raise ValueError(f"{self.right} of {self.asked} questions cannot be right")
        return self


class TaskRun(Section):
    """One training on one case of a task."""

    learning_rate: PositiveFloat
    seed: NonNegativeInt
    steps: PositiveInt
    """Made until the task was learned, or until all were made."""
    by_distance: Annotated[list[AtDistance], Field(min_length=1)]

    @property
    def accuracy(self) -> float:
        """Over all questions."""
        return share_right(self.by_distance)


class CaseResult(Section):
    """One case of a task: a distance, a length, or a number of facts."""

    case: PositiveInt
    tuning: list[TaskRun]
    """With the tuning seed, one for each learning rate; empty where the case takes that of another."""
    learning_rate: PositiveFloat
    """The chosen one."""
    runs: Annotated[list[TaskRun], Field(min_length=1)]
    """One for each seed."""


class RecallResult(Stamped):
    """A model on a task."""

    task: TaskName
    model: str
    entry: dict[str, Any]
    """The model's entry in params.yaml."""
    training: dict[str, Any]
    """recall.training of params.yaml."""
    settings: dict[str, Any]
    """What params.yaml says of the task."""
    fingerprint: Sha256 | None
    """Hash of what the model and its training computed on a tiny case; null where that was not found out."""
    tasks_fingerprint: Sha256 | None
    """The same of the tasks."""
    block_parameters: PositiveInt
    """Learned values of all blocks, without embeddings."""
    chance: PositiveFloat
    """Accuracy of a guess."""
    cases: Annotated[list[CaseResult], Field(min_length=1)]


def share_right(parts: list[AtDistance]) -> float:
    """The part of all questions whose answer was right."""
    return sum(part.right for part in parts) / sum(part.asked for part in parts)


def read_recall(params: Params, task: TaskName, model: str) -> RecallResult | None:
    """A model on a task; None where it was not made, or with something else than params.yaml says now.

    Raises UserError for a file that says it is of another model or task.
    """
    if model not in params.recall.models_of(task):
        return None
    path = paths.recall(task, model)
    result = read_result(path, RecallResult)
    if result is None:
        return None
    if (result.task, result.model) != (task, model):
        says = f"{result.task} by {result.model}"
        raise UserError(f"{path} says that it is of {says}: restore it from git, or make it anew with `dvc repro`")
    return result if recall_is_current(result, params) else None


def recall_is_current(result: RecallResult, params: Params) -> bool:
    """Whether it was made with what params.yaml says now, by code that computes the same."""
    now = made_with(params, result.task, result.model)
    return {field: getattr(result, field) for field in now} == now


def made_with(params: Params, task: TaskName, model: str) -> dict[str, Any]:
    """All that a result depends on, as fields of it."""
    return {
        "entry": params.models[model].as_written(),
        "training": params.recall.training.model_dump(),
        "settings": params.recall.task(task).model_dump(),
        "fingerprint": fingerprint_sha256(model),
        "tasks_fingerprint": _sha256(paths.TASKS_FINGERPRINT),
    }


def recall_left_out(params: Params, *tasks: TaskName) -> list[str]:
    """Names of the results of these tasks that are there but not current."""
    return [
        f"{task} by {model}"
        for task in tasks
        for model in params.recall.models_of(task)
        if paths.recall(task, model).exists() and read_recall(params, task, model) is None
    ]


def _sha256(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
