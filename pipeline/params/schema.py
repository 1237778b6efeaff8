"""The typed view of params.yaml. Every field is spelled out there: DVC cannot see a default, so there are none."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, get_type_hints

from pydantic import (
    Discriminator,
    Field,
    PositiveFloat,
    StringConstraints,
    Tag,
    ValidationError,
    create_model,
    model_validator,
)

from gam.config import GAMConfig, MambaConfig, ModelConfig, TransformerConfig
from pipeline.base import paths
from pipeline.base.errors import UserError, did_you_mean
from pipeline.params.families import CpuGrids, Grid, PaperGrid
from pipeline.params.fields import INT64, Name, NonNegativeInt, PositiveInt, Section, Sha256, require
from pipeline.params.reading import first_mistake, read_yaml

Split = Literal["train", "validation", "test"]
Precision = Literal["float32", "tfloat32", "bfloat16"]


class Runtime(Section):
    """How it runs, never what it computes: DVC does not track this section, provenance records it."""

    device: Literal["auto", "cpu", "cuda"]
    """auto: CUDA where there is a device, else the CPU."""
    threads: int = Field(ge=1, le=1024)
    """CPU threads of one operation. Sums are split by it, so the last bits of a result depend on it."""
    deterministic: bool
    """Refuse operations whose result may differ from one call to the next."""


class Hub(Section):
    """A data set of the Hugging Face Hub, pinned to a revision."""

    path: str
    name: str | None
    """Configuration of the data set, null where it has one only."""
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]

    def folder(self) -> str:
        """Where a mirror has it: under the name of the configuration, or of the data set where it has one only."""
        return self.name or self.path.rpartition("/")[2]


class Generated(Section):
    """The corpus that pipeline.data.stories makes from a seed."""

    generator_seed: NonNegativeInt


def _origin(value: Any) -> str:
    """Which kind of origin it is; pydantic asks on reading and on writing."""
    generated = isinstance(value, Generated) or (isinstance(value, dict) and "generator_seed" in value)
    return "generated" if generated else "hub"


class Dataset(Section):
    """Where the rows come from, how many are used, and the tokenizer trained on them."""

    origin: Annotated[Annotated[Hub, Tag("hub")] | Annotated[Generated, Tag("generated")], Discriminator(_origin)]
    rows: dict[Split, PositiveInt | None]
    """The splits to use and the number of first rows of each, null for all."""
    sha256: dict[Split, Sha256]
    """Hash of a split's rows, each as UTF-8 followed by a NUL byte; splits that are not named are not checked."""
    vocab_size: int = Field(ge=5, le=2**16)
    """Where training the tokenizer stops, if it has merges left and the text has no more characters than that; ids
    are stored in 16 bits."""

    def what(self) -> dict[str, Any]:
        """All that decides the tokens; the hashes only check the rows."""
        return self.model_dump(exclude={"sha256"})

    def what_rows(self) -> dict[str, Any]:
        """All that decides the rows."""
        return self.model_dump(exclude={"sha256", "vocab_size"})

    @model_validator(mode="after")
    def _check_splits(self) -> Self:
        require({"train", "validation"} <= self.rows.keys(), "rows must name train and validation")
        require(self.sha256.keys() <= self.rows.keys(), "sha256 names a split that rows does not name")
        require(
            isinstance(self.origin, Hub) or None not in self.rows.values(),
            "rows must be numbers: nothing ends a generator",
        )
        return self


class ModelEntry(Section):
    """One entry of `models`: the fields of its block's configuration, and how it is computed."""

    block: str
    """Which block the model is made of: gam, transformer or mamba."""
    precision: Precision
    """Of matrix products. bfloat16 means autocast, tfloat32 is for CUDA alone; weights stay float32."""
    compile: bool
    """Have torch.compile fuse what lies between the products of a block; on CUDA, replay a block as one graph."""

    def config(self, vocab_size: int) -> ModelConfig:
        """The model's configuration for a tokenizer of `vocab_size` ids."""
        fields = self.model_dump(exclude={"block", "precision", "compile"})
        return _CONFIGS[self.block](vocab_size=vocab_size, **fields)

    @model_validator(mode="after")
    def _check_against_gam(self) -> Self:
        self.config(vocab_size=5)
        return self


def _entry_type(block: str, config: type[Any]) -> type[ModelEntry]:
    hints = get_type_hints(config)
    names = [field.name for field in dataclasses.fields(config) if field.name != "vocab_size"]
    fields: dict[str, Any] = {"block": (Literal[block], ...)} | {name: (hints[name], ...) for name in names}
    return create_model(f"{block.title()}Entry", __base__=ModelEntry, **fields)


_CONFIGS: dict[str, type[Any]] = {"gam": GAMConfig, "transformer": TransformerConfig, "mamba": MambaConfig}
if TYPE_CHECKING:
    AnyEntry = ModelEntry
else:
    _entry_types = tuple(_entry_type(block, config) for block, config in _CONFIGS.items())
    AnyEntry = Annotated[Union[_entry_types], Field(discriminator="block")]  # noqa: UP007  # a tuple of types, not names


class Train(Section):
    """The published protocol (arXiv:2509.00605, section 4)."""

    epochs: PositiveInt
    batch_size: PositiveInt
    """Blocks per step; the last batch of an epoch may be smaller."""
    learning_rate: PositiveFloat
    """Peak, reached after the warm-up."""
    warmup_steps: NonNegativeInt
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip_norm: PositiveFloat
    """Largest norm of all gradients together."""


TIMED = {"transformer": "transformer", "transformer-fused": "transformer", "mamba": "mamba", "gam": "gam"}
"""The entries of `models` that the claims of speed are about, and their blocks: of the Transformer the published way to
compute it and the fast one, so that no verdict rests on a slow opponent."""


class Timing(Section):
    """How training steps are timed."""

    vocab_size: int = Field(ge=5, lt=INT64)
    warmup: PositiveInt
    """Steps of each model that are not counted."""
    repetitions: int = Field(ge=3, lt=INT64)


class ScalingOn(Section):
    """What is measured on one type of device."""

    precision: Literal["float32", "float16"]
    """float16 means autocast and a gradient scaler, as published."""
    batch_size: PositiveInt
    lengths: list[PositiveInt] = Field(min_length=1)
    """Tokens."""


class Scaling(Section):
    """How one block is measured against the length of its input (the paper's Table 2)."""

    cuda: ScalingOn
    cpu: ScalingOn
    warmup: NonNegativeInt
    """Iterations that are not counted."""
    repetitions: int = Field(ge=2, lt=INT64)
    cap_gib: float = Field(gt=0, le=2**20)
    """Memory of the second round, in GiB."""

    def on(self, device_type: str) -> ScalingOn:
        """What is measured on a type of device."""
        return self.cuda if device_type == "cuda" else self.cpu


Role = Literal["transformer", "mamba", "gam", "sum_fusion", "global_only", "local_only"]


class Family(Section):
    """Entries of `models` that are compared with each other, by the role that each plays; null where there is none."""

    transformer: Name | None
    mamba: Name | None
    gam: Name | None
    sum_fusion: Name | None
    global_only: Name | None
    local_only: Name | None


class Claims(Section):
    """How claims are judged."""

    margin_nats: PositiveFloat
    """Differences of loss up to this are too small to matter."""
    margin_ratio: PositiveFloat
    """Likewise the part of a time that is saved."""
    margin_gate: PositiveFloat
    """Likewise differences of gate values."""
    linear: Annotated[list[float], Field(min_length=2, max_length=2)]
    """Growth exponents that count as linear, from and to."""
    quadratic: Annotated[list[float], Field(min_length=2, max_length=2)]
    shortest: PositiveInt
    """Length in tokens from which on growth is fitted."""
    families: dict[Name, Family] = Field(min_length=1)

    def playing(self, *roles: Role) -> set[str]:
        """The entries of `models` that play one of these roles in any family."""
        return {name for family in self.families.values() for role, name in family if role in roles}


class Params(Section):
    """All of params.yaml."""

    runtime: Runtime
    grid: PaperGrid
    cpu_grids: CpuGrids
    datasets: dict[Name, Dataset]
    models: dict[Name, AnyEntry]
    train: Train
    timing: Timing
    scaling: Scaling
    claims: Claims

    def grids(self) -> dict[str, Grid]:
        """All grids, by the name of their section."""
        return {"grid": self.grid} | {f"cpu_grids.{name}": grid for name, grid in self.cpu_grids}

    def grid_of(self, family: str) -> Grid | None:
        """The grid that runs models of a family; None where none does."""
        models = set(dict(self.claims.families[family]).values())
        return next((grid for grid in self.grids().values() if any(model in models for _, model in grid.runs())), None)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        for section, grid in self.grids().items():
            for field, names in grid:
                if field == "seeds":
                    continue
                kind = "datasets" if field.endswith("datasets") else "models"
                known = getattr(self, kind)
                name = next((name for name in names if name not in known), None)
                hint = did_you_mean(str(name), known)
                require(name is None, f"{section}.{field} names {name!r}, which {kind} does not have{hint}")
        for name, block in TIMED.items():
            found = self.models[name].block if name in self.models else "missing"
            must = f"must be there and have block {block}: the stage timing measures it"
            require(found == block, f"models.{name} {must}")
        for family, roles in self.claims.families.items():
            for role, name in roles:
                if name is None:
                    continue
                hint = did_you_mean(name, self.models)
                field = f"claims.families.{family}.{role} names {name!r}"
                require(name in self.models, f"{field}, which models does not have{hint}")
                block = role if role in TIMED else "gam"
                require(self.models[name].block == block, f"{field}, whose block is not {block}")
        return self

    @model_validator(mode="after")
    def _each_grid_for_itself(self) -> Self:
        homes: dict[str, str] = {}
        for section, grid in self.grids().items():
            for _, model in grid.runs():
                home = homes.setdefault(model, section)
                require(home == section, f"{section} runs {model!r}, which {home} runs already: give it another entry")
        for family, roles in self.claims.families.items():
            found = sorted({homes[name] for _, name in roles if name in homes})
            require(len(found) < 2, f"claims.families.{family} has models of {' and of '.join(found)}: choose one")
        fetched, bfloat16, reduced = self.grid.datasets, self.cpu_grids.bfloat16, self.cpu_grids.reduced
        other = next((name for name in bfloat16.datasets if name not in fetched), None)
        require(other is None, f"cpu_grids.bfloat16.datasets names {other!r}, which is not in grid.datasets")
        both = next((name for name in reduced.datasets if name in fetched), None)
        require(both is None, f"cpu_grids.reduced.datasets names {both!r}, which grid.datasets has already")
        return self


def load_params(path: Path = paths.PARAMS) -> Params:
    """Read and validate params.yaml. Raises UserError naming the first field that is wrong."""
    return validate_params(read_yaml(path), path)


def validate_params(values: Any, path: Path) -> Params:
    """The content of `path`, validated. Raises UserError naming the first field that is wrong."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error, values)}") from None
