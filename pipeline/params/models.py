"""The section `models` of params.yaml: what each model is made of, how it is computed, and the part that it plays."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, cast, get_type_hints

from pydantic import Field, create_model, model_validator

from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, ModelConfig, TransformerConfig, TrunkConfig
from pipeline.params.fields import Section

Precision = Literal["float32", "tfloat32", "bfloat16"]
Role = Literal["transformer", "mamba", "gam", "sum_fusion", "global_only", "local_only", "gated_slots"]
ABLATIONS: tuple[Role, ...] = ("sum_fusion", "global_only", "local_only")
"""GAM without one of its parts or two (the paper's Table 3)."""

_GAMS: dict[tuple[bool, bool, bool], Role] = {
    (True, True, True): "gam",
    (False, True, True): "sum_fusion",
    (False, False, True): "global_only",
    (False, True, False): "local_only",
}
"""By gate, local and memory; gam.config allows no other combination."""


class ModelEntry(Section):
    """One entry of `models`: the fields of its block's configuration, and how it is computed."""

    block: str
    """Which block the model is made of: gam, transformer, mamba or gated_slots."""
    block_size: int
    d_model: int
    n_layer: int
    dropout: float
    """These four are every model's: gam.config.TrunkConfig says what they mean."""
    precision: Precision
    """Of matrix products. bfloat16 means autocast, tfloat32 is for CUDA alone; weights stay float32."""
    compile: bool
    """Have torch.compile fuse what lies between the products of a block; on CUDA, replay a block as one graph."""

    def config(self, vocab_size: int) -> ModelConfig:
        """The model's configuration for a tokenizer of `vocab_size` ids."""
        fields = self.model_dump(exclude={"block", "precision", "compile"})
        return _CONFIGS[self.block](vocab_size=vocab_size, **fields)

    def block_config(self) -> ModelConfig:
        """The same for one block alone, which knows no vocabulary."""
        return self.config(vocab_size=1)

    @property
    def role(self) -> Role:
        """The part that the model plays in the claims; it follows from its block and its switches."""
        if self.block == "gam":
            fields = self.model_dump()
            return _GAMS[fields["gate"], fields["local"], fields["memory"]]
        return cast(Role, self.block)

    @property
    def is_fused(self) -> bool:
        """Whether it is a Transformer whose attention never holds T x T weights."""
        return bool(self.model_dump().get("fused"))

    @model_validator(mode="after")
    def _check_against_gam(self) -> Self:
        self.block_config()
        return self


def _entry_type(block: str, config: type[Any]) -> type[ModelEntry]:
    hints, trunk = get_type_hints(config), {field.name for field in dataclasses.fields(TrunkConfig)}
    names = [field.name for field in dataclasses.fields(config) if field.name not in trunk]
    fields: dict[str, Any] = {"block": (Literal[block], ...)} | {name: (hints[name], ...) for name in names}
    return create_model(f"{block.title()}Entry", __base__=ModelEntry, **fields)


_CONFIGS: dict[str, type[Any]] = {
    "gam": GAMConfig,
    "transformer": TransformerConfig,
    "mamba": MambaConfig,
    "gated_slots": GatedSlotsConfig,
}
if TYPE_CHECKING:
    AnyEntry = ModelEntry
else:
    _entry_types = tuple(_entry_type(block, config) for block, config in _CONFIGS.items())
    AnyEntry = Annotated[Union[_entry_types], Field(discriminator="block")]  # noqa: UP007  # a tuple of types, not names
