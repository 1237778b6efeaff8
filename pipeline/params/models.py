"""The section `models` of params.yaml: what each model is made of, how it is computed, and the part that it plays."""

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, cast, get_type_hints

from pydantic import Field, PositiveFloat, create_model, model_validator

from gam.config import CONFIGS, Init, ModelConfig, TrunkConfig
from pipeline.params.fields import Section

Precision = Literal["float32", "tfloat32", "bfloat16"]
Role = Literal[
    "transformer",
    "mamba",
    "gam",
    "sum_fusion",
    "global_only",
    "local_only",
    "mamba_residual",
    "ffn_only",
    "gam_wide",
    "sum_fusion_wide",
    "global_only_wide",
    "local_only_wide",
    "ffn_only_wide",
    "gated_slots",
]
"""The parts that models play. From mamba_residual on the paper has none of them; claims use two of them as controls."""

_GAMS: dict[tuple[bool, bool, bool], Role] = {
    (True, True, True): "gam",
    (False, True, True): "sum_fusion",
    (False, False, True): "global_only",
    (False, True, False): "local_only",
    (False, False, False): "ffn_only",
}
"""By gate, local and memory; gam.config allows no other combination."""
_WIDE: dict[Role, Role] = {
    "gam": "gam_wide",
    "sum_fusion": "sum_fusion_wide",
    "global_only": "global_only_wide",
    "local_only": "local_only_wide",
    "ffn_only": "ffn_only_wide",
}
"""The same with a feed-forward network of more than 4 * d_model units."""
ABLATIONS: tuple[Role, ...] = tuple(role for gam in _GAMS.values() if gam != "gam" for role in (gam, _WIDE[gam]))
"""GAM without some of its parts (the paper's Table 3 has three of them)."""


class ModelEntry(Section):
    """One entry of `models`: the fields of its block's configuration, and how it is trained and computed.

    A field with a default may be absent, and what its absence means never changes: entries that were written before the
    field was there mean what they meant. DVC compares an entry as it is written; so does the pipeline, by `as_written`.
    """

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
    init: Init = "published"
    """How the weights start, see gam.initialisation. Absent: as published."""
    init_std: float | None = None
    """The standard deviation where init is normal. Absent: init is as published."""
    learning_rate: PositiveFloat | None = None
    """The model's own peak. Absent: train.learning_rate."""

    def as_written(self) -> dict[str, Any]:
        """The fields that stand in params.yaml, and no others: what results store, and what they are compared with."""
        return self.model_dump(exclude_unset=True)

    def config(self, vocab_size: int) -> ModelConfig:
        """The model's configuration for a tokenizer of `vocab_size` ids."""
        fields = self.model_dump(exclude={"block", "precision", "compile", "learning_rate"})
        return CONFIGS[self.block](vocab_size=vocab_size, **fields)

    def block_config(self) -> ModelConfig:
        """The same for one block alone, which knows no vocabulary."""
        return self.config(vocab_size=1)

    @property
    def role(self) -> Role:
        """The part that the model plays in the claims; it follows from its block and its switches."""
        if self.block == "gam":
            fields = self.model_dump()
            role = _GAMS[fields["gate"], fields["local"], fields["memory"]]
            is_wide = fields["ffn_width"] not in (None, 4 * self.d_model)
            return _WIDE[role] if is_wide else role
        if self.block == "mamba" and self.model_dump()["residual"]:
            return "mamba_residual"
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
    own = [field for field in dataclasses.fields(config) if field.name not in trunk]
    # Fields whose default is None may be absent; the others are spelled out, whatever gam's default is.
    fields: dict[str, Any] = {"block": (Literal[block], ...)} | {
        field.name: (hints[field.name], None if field.default is None else ...) for field in own
    }
    return create_model(f"{block.title()}Entry", __base__=ModelEntry, **fields)


if TYPE_CHECKING:
    AnyEntry = ModelEntry
else:
    _entry_types = tuple(_entry_type(block, config) for block, config in CONFIGS.items())
    AnyEntry = Annotated[Union[_entry_types], Field(discriminator="block")]  # noqa: UP007  # a tuple of types, not names
