"""The section `families` of params.yaml: which runs are made, and which of them are compared with each other."""

from typing import Self

from pydantic import Field, model_validator

from pipeline.params.datasets import TextClaim
from pipeline.params.fields import Name, NonNegativeInt, Section, require

PAPER = "paper"
"""The family that stands beside the paper's own numbers."""


class SeededRuns(Section):
    """Every model on every text with every seed; none where there are no texts or no models."""

    datasets: list[Name]
    models: list[Name]
    seeds: list[NonNegativeInt]

    def of_each(self) -> dict[tuple[str, str], list[int]]:
        """The seeds by text and model."""
        return {(dataset, model): self.seeds for dataset in self.datasets for model in self.models}

    @model_validator(mode="after")
    def _every_model_has_seeds(self) -> Self:
        has_runs = bool(self.datasets and self.models)
        require(bool(self.seeds) or not has_runs, "seeds is empty: name one, or empty datasets and models too")
        return self

    @model_validator(mode="after")
    def _no_run_twice(self) -> Self:
        for field in type(self).model_fields:
            values = getattr(self, field)
            if isinstance(values, list):
                twice = next((value for value in values if values.count(value) > 1), None)
                require(twice is None, f"{field} names {twice!r} twice")
        stages = [f"{dataset}-{model}" for dataset in self.datasets for model in self.models]
        twice = next((stage for stage in stages if stages.count(stage) > 1), None)
        require(twice is None, f"datasets and models give two runs the name {twice!r} in DVC: rename an entry")
        return self


class Family(SeededRuns):
    """Runs that are compared with each other."""

    others: SeededRuns | None = None
    """Further models, on some of the texts, with seeds of their own. Where it is absent there are none."""
    protocol: Name | None = None
    """How its models are trained: an entry of `protocols`. Where it is absent, as `train` says, which is published."""
    primary: list[TextClaim] = Field(default_factory=list)
    """Claims whose tests were named before the runs and are corrected together. Where it is absent there are none."""

    def seeded(self) -> dict[tuple[str, str], list[int]]:
        """The seeds of all runs, by text and model, the others last."""
        return self.of_each() | (self.others.of_each() if self.others else {})

    def runs(self) -> list[tuple[str, str]]:
        """Text and model of all runs, the others last."""
        return list(self.seeded())

    def members(self) -> list[str]:
        """All models, the others last."""
        return [*self.models, *(self.others.models if self.others else [])]

    @model_validator(mode="after")
    def _others_belong_to_it(self) -> Self:
        if self.others:
            both = next((name for name in self.others.models if name in self.models), None)
            require(both is None, f"others.models names {both!r}, which models has already")
            other = next((name for name in self.others.datasets if name not in self.datasets), None)
            require(other is None, f"others.datasets names {other!r}, which is not in datasets")
        return self
