"""The section `families` of params.yaml: which runs are made, and which of them are compared with each other."""

from typing import Self

from pydantic import Field, model_validator

from pipeline.params.datasets import TextClaim
from pipeline.params.fields import Name, NonNegativeInt, Section, require

PAPER = "paper"
"""The family that stands beside the paper's own numbers."""


class Runs(Section):
    """Every model on every text; none where a list is empty."""

    datasets: list[Name]
    models: list[Name]

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


class Family(Runs):
    """Runs that are compared with each other: every model on every text with every seed."""

    seeds: list[NonNegativeInt]
    ablations: Runs | None = None
    """Further models, on some of the texts, with the same seeds. Where it is absent there are none."""
    primary: list[TextClaim] = Field(default_factory=list)
    """Claims whose tests were named before the runs and are corrected together. Where it is absent there are none."""

    def runs(self) -> list[tuple[str, str]]:
        """Text and model of all runs, the ablations last."""
        parts = [self, *([self.ablations] if self.ablations else [])]
        return [(dataset, model) for part in parts for dataset in part.datasets for model in part.models]

    def members(self) -> list[str]:
        """All models, the ablations last."""
        return [*self.models, *(self.ablations.models if self.ablations else [])]

    @model_validator(mode="after")
    def _ablations_belong_to_it(self) -> Self:
        if self.ablations:
            both = next((name for name in self.ablations.models if name in self.models), None)
            require(both is None, f"ablations.models names {both!r}, which models has already")
            other = next((name for name in self.ablations.datasets if name not in self.datasets), None)
            require(other is None, f"ablations.datasets names {other!r}, which is not in datasets")
        return self
