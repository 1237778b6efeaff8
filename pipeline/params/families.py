"""Which runs are made: the grids of params.yaml."""

from typing import Self

from pydantic import Field, model_validator

from pipeline.params.fields import Name, NonNegativeInt, Section, require


class Grid(Section):
    """Runs that are made: every model on every data set with every seed, none where a list is empty."""

    datasets: list[Name]
    models: list[Name]
    seeds: list[NonNegativeInt]

    def runs(self) -> list[tuple[str, str]]:
        """Data set and model of all runs."""
        return [(dataset, model) for dataset in self.datasets for model in self.models]

    @model_validator(mode="after")
    def _no_run_twice(self) -> Self:
        for field in type(self).model_fields:
            values = getattr(self, field)
            twice = next((value for value in values if values.count(value) > 1), None)
            require(twice is None, f"{field} names {twice!r} twice")
        self._require_names_in_dvc("datasets", "models")
        return self

    def _require_names_in_dvc(self, datasets: str, models: str) -> None:
        """Two runs of a stage, which is all of these data sets with all of these models, must not share a name."""
        stages = [f"{dataset}-{model}" for dataset in getattr(self, datasets) for model in getattr(self, models)]
        twice = next((stage for stage in stages if stages.count(stage) > 1), None)
        require(twice is None, f"{datasets} and {models} give two runs the name {twice!r} in DVC: rename an entry")


class PaperGrid(Grid):
    """The grid of record, with the paper's ablations."""

    datasets: list[Name] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    seeds: list[NonNegativeInt] = Field(min_length=1)
    ablation_datasets: list[Name] = Field(min_length=1)
    ablation_models: list[Name] = Field(min_length=1)
    scaling_models: list[Name] = Field(min_length=1)
    """The models of which one block is measured."""

    def runs(self) -> list[tuple[str, str]]:
        """Data set and model of all runs, the ablations last."""
        return super().runs() + [(data, model) for data in self.ablation_datasets for model in self.ablation_models]

    @model_validator(mode="after")
    def _ablations_belong_to_it(self) -> Self:
        both = next((name for name in self.ablation_models if name in self.models), None)
        require(both is None, f"ablation_models names {both!r}, which models has already")
        other = next((name for name in self.ablation_datasets if name not in self.datasets), None)
        require(other is None, f"ablation_datasets names {other!r}, which is not in datasets")
        self._require_names_in_dvc("ablation_datasets", "ablation_models")
        return self


class CpuGrids(Section):
    """Grids beside the paper's that a machine without a GPU can finish; dvc.yaml has stages for each."""

    bfloat16: Grid
    """The paper's sizes, on data sets of the paper's grid, which fetches them."""
    reduced: Grid
    """Smaller models, on data sets of its own."""
