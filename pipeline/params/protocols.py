"""The sections `train`, `protocols` and `tuning` of params.yaml: how models are trained."""

from itertools import pairwise
from typing import Self

from pydantic import Field, PositiveFloat, model_validator

from pipeline.params.fields import NonNegativeInt, PositiveInt, Section, require


class Optimisation(Section):
    """What a protocol says beside the learning rate."""

    epochs: PositiveInt
    batch_size: PositiveInt
    """Blocks per step; the last batch of an epoch may be smaller."""
    warmup_steps: NonNegativeInt
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip_norm: PositiveFloat
    """Largest norm of all gradients together."""


class Train(Optimisation):
    """A protocol with its learning rate. As a section: the published protocol (arXiv:2509.00605, section 4)."""

    learning_rate: PositiveFloat
    """Peak, reached after the warm-up, of each model that has none of its own."""


class Protocol(Optimisation):
    """How a family is trained whose models have a learning rate each: their own, or the one that the stage `tune` found
    for them."""

    threads: int = Field(ge=1, le=1024)
    """CPU threads in place of runtime.threads: the last bits of a run depend on it."""

    def at(self, learning_rate: float) -> Train:
        """The same with a learning rate."""
        return Train(**self.model_dump(exclude={"threads"}), learning_rate=learning_rate)


class Tuning(Section):
    """How the stage `tune` finds a learning rate: a short training with each, and the lowest validation loss wins.

    Where the lowest or the highest rate wins, the grid goes on in that direction by its own factor. Then the two rates
    are tried that lie halfway, on a scale of logarithms, between the best and those beside it.
    """

    learning_rates: list[PositiveFloat] = Field(min_length=2)
    """Rising, each the same multiple of the one before."""
    seed: NonNegativeInt
    """One that no run has, so that none is chosen for its own luck."""
    share: float = Field(gt=0, le=1)
    """Of the training blocks: the first of them, once."""
    extensions: NonNegativeInt
    """How far the grid goes on at most."""

    @property
    def factor(self) -> float:
        """From one learning rate to the next."""
        return self.learning_rates[1] / self.learning_rates[0]

    @model_validator(mode="after")
    def _check_grid(self) -> Self:
        steps = [later / earlier for earlier, later in pairwise(self.learning_rates)]
        even = all(step > 1 and abs(step / self.factor - 1) < 1e-9 for step in steps)
        require(even, "learning_rates must rise, each the same multiple of the one before")
        return self
