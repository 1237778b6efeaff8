"""The section `recall` of params.yaml: tasks whose answers are known, and which models are trained on them."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from pipeline.base.errors import did_you_mean
from pipeline.params.fields import Name, NonNegativeInt, PositiveInt, Section, require
from pipeline.params.models import ModelEntry

TaskName = Literal["copying", "associative", "facts"]
TASKS: tuple[TaskName, ...] = ("copying", "associative", "facts")
Sizes = Annotated[list[PositiveInt], Field(min_length=1)]


class Training(Section):
    """How a model is trained on a task; batches are fresh, so there are no epochs."""

    learning_rates: list[PositiveFloat]
    """The peaks that are tried, with the tuning seed alone. The best one is the model's."""
    tuning_seed: NonNegativeInt
    seeds: list[NonNegativeInt]
    """Of the trainings with the chosen rate."""
    threads: int = Field(ge=1, le=1024)
    """CPU threads, whatever `runtime` says: the last bits depend on them."""
    check_every: PositiveInt
    """Steps between two looks at the accuracy on a batch that is not trained on."""
    stop_at: float = Field(gt=0, le=1)
    """Accuracy in such a look at which a training ends."""
    queries: PositiveInt
    """Questions of the test after a training, at least; of facts each is asked once."""
    warmup_steps: NonNegativeInt
    """Steps in which the learning rate rises; after that it stays."""
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip_norm: PositiveFloat

    @model_validator(mode="after")
    def _can_choose(self) -> Self:
        rates, seeds = self.learning_rates, self.seeds
        require(len(set(rates)) > 1, "learning_rates has one value only: name at least two, so that one can be chosen")
        require(len(set(rates)) == len(rates), "learning_rates names a value twice")
        require(len(seeds) > 0, "seeds is empty: name at least one")
        require(len(set(seeds)) == len(seeds), "seeds names a seed twice")
        require(self.tuning_seed not in seeds, f"tuning_seed {self.tuning_seed} is one of seeds: take another")
        return self


class Task(Section):
    """What all tasks have."""

    tuned: Sizes
    """The cases in which the learning rate is chosen. Another one takes that of the nearest of them below it."""
    batch_size: PositiveInt
    """Sequences of a step."""
    steps: PositiveInt
    """Of a training, at most."""

    def cases(self) -> list[int]:
        """What tells the cases of the task apart, in rising order."""
        raise NotImplementedError

    def longest(self) -> int:
        """Tokens of the longest sequence."""
        raise NotImplementedError

    def _check_cases(self, field: str) -> None:
        cases = self.cases()
        require(cases == sorted(set(cases)), f"{field} must rise, without one twice")
        other = next((case for case in self.tuned if case not in cases), None)
        require(other is None, f"tuned names {other}, which is not in {field}")
        require(cases[0] in self.tuned, f"tuned must name {cases[0]}, the first of {field}")


class Copying(Task):
    """Which symbol stood so many tokens back?"""

    distances: Sizes
    symbols: int = Field(ge=2, le=2**16)
    asked: PositiveInt
    """Tokens of a sequence that ask."""

    def cases(self) -> list[int]:
        return self.distances

    def longest(self) -> int:
        return self.distances[-1] + self.asked

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_cases("distances")
        return self


class Associative(Task):
    """Which value stood after this key?"""

    lengths: Sizes
    """Tokens of a sequence."""
    pairs: Sizes
    """Keys with values in a sequence of each of these lengths."""
    keys: int = Field(ge=2, le=2**16)
    """Different keys that there are."""
    values: int = Field(ge=2, le=2**16)

    def cases(self) -> list[int]:
        return self.lengths

    def longest(self) -> int:
        return self.lengths[-1]

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_cases("lengths")
        require(len(self.pairs) == len(self.lengths), "pairs must have one number for each of lengths")
        for length, pairs in zip(self.lengths, self.pairs, strict=True):
            fit = (length - 2) // 2
            told = f"{pairs} pairs and a question do not fit in {length} tokens: at most {fit} do"
            require(pairs <= fit, f"pairs: {told}")
            require(pairs <= self.keys, f"pairs: {pairs} different keys are needed, and keys is {self.keys}")
        return self


class Facts(Task):
    """Which value has this key, in a table that never changes?"""

    pairs: Sizes
    """Keys in the table."""
    values: int = Field(ge=2, le=2**16)

    def cases(self) -> list[int]:
        return self.pairs

    def longest(self) -> int:
        return 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_cases("pairs")
        return self


class Recall(Section):
    """Everything about recall. With no models nothing is trained."""

    models: list[Name]
    """Trained on copying and on associative recall."""
    facts_models: list[Name]
    """Trained on facts: two that have the same number of parameters."""
    training: Training
    copying: Copying
    associative: Associative
    facts: Facts

    def task(self, name: TaskName) -> Task:
        """The settings of a task."""
        task: Task = getattr(self, name)
        return task

    def models_of(self, name: TaskName) -> list[str]:
        """The models that are trained on a task."""
        return self.facts_models if name == "facts" else self.models

    def check(self, models: Mapping[str, ModelEntry]) -> None:
        """Raise ValueError where a model is unknown or named twice, or sees fewer tokens than a task has."""
        for field, names in (("models", self.models), ("facts_models", self.facts_models)):
            for name in names:
                hint = did_you_mean(name, models)
                require(name in models, f"recall.{field} names {name!r}, which models does not have{hint}")
                require(names.count(name) == 1, f"recall.{field} names {name!r} twice")
        for task in TASKS:
            for name in self.models_of(task):
                longest, sees = self.task(task).longest(), models[name].block_size
                told = f"recall.{task} has sequences of {longest} tokens, and models.{name}.block_size is {sees}"
                require(longest <= sees, f"{told}: shorten them, or let the model see more")
