"""What a model is made of: one frozen dataclass per block type. No torch in here."""

from dataclasses import dataclass
from typing import Literal

Init = Literal["published", "normal"]
"""How a model is initialised; gam.initialisation says what is drawn."""


def _require(holds: bool, field: str, must: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{field} must {must}, got {value!r}")


def _require_sizes(config: object, *fields: str) -> None:
    for field in fields:
        value = getattr(config, field)
        is_size = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        _require(is_size, field, "be an integer of at least 1", value)
        _require(value < 2**63, field, "fit in 64 bits", value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require_switches(config: object, *fields: str) -> None:
    for field in fields:
        value = getattr(config, field)
        _require(isinstance(value, bool), field, "be true or false", value)


@dataclass(frozen=True, kw_only=True)
class TrunkConfig:
    """What every model has: embeddings, a stack of blocks, a norm and a tied head."""

    vocab_size: int
    """Number of token ids."""
    block_size: int
    """Longest input in tokens; positions are learned, one vector each."""
    d_model: int
    """Width of the residual stream."""
    n_layer: int
    """Number of blocks."""
    dropout: float
    """Probability of dropping an element, after the embeddings and inside the blocks."""
    init: Init = "published"
    """published: as the published code does. normal: all matrices from a normal distribution."""
    init_std: float | None = None
    """Its standard deviation; there where init is normal, and only there."""

    def __post_init__(self) -> None:
        _require_sizes(self, "vocab_size", "block_size", "d_model", "n_layer")
        _require(self.block_size >= 2, "block_size", "be at least 2", self.block_size)
        _require(_is_number(self.dropout) and 0.0 <= self.dropout < 1.0, "dropout", "lie in [0, 1)", self.dropout)
        _require(self.init in ("published", "normal"), "init", "be published or normal", self.init)
        if self.init == "published":
            _require(self.init_std is None, "init_std", "be left out where init is published", self.init_std)
        else:
            holds = self.init_std is not None and _is_number(self.init_std) and 0.0 < self.init_std <= 1.0
            _require(holds, "init_std", "lie in (0, 1] where init is normal", self.init_std)


@dataclass(frozen=True, kw_only=True)
class GAMConfig(TrunkConfig):
    """Gated Associative Memory. The three switches give the paper's ablations (Table 3).

    With all three off, the feed-forward network is alone, and no token sees another.
    """

    n_slot: int
    """Rows of the memory bank."""
    kernel_size: int
    """Taps of the causal convolution, the current token included."""
    gate: bool = True
    """Weigh the two paths by learned sigmoid gates; without it they are added as they are."""
    local: bool = True
    """Have the convolution path."""
    memory: bool = True
    """Have the memory path."""
    ffn_width: int | None = None
    """Hidden units of the feed-forward network, to widen it; None is 4 * d_model, the least that it may be."""
    fused_mix: bool | None = None
    """True: gates, convolution and residual in one kernel on CUDA (gam.ops.gated_mix); None and False: operation by
    operation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self, "n_slot", "kernel_size")
        _require_switches(self, "gate", "local", "memory")
        both = self.local and self.memory
        _require(both or not self.gate, "gate", "be false unless local and memory are both true", self.gate)
        if self.fused_mix is not None:
            _require_switches(self, "fused_mix")
            _require(self.gate or not self.fused_mix, "fused_mix", "be false unless gate is true", self.fused_mix)
        if self.ffn_width is not None:
            _require_sizes(self, "ffn_width")
            least = 4 * self.d_model
            _require(self.ffn_width >= least, "ffn_width", f"be at least 4 * d_model = {least}", self.ffn_width)


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(TrunkConfig):
    """Pre-norm Transformer with learned positions."""

    n_head: int
    """Attention heads; divides d_model."""
    fused: bool = False
    """False: T x T attention weights in memory, as published. True: torch's fused kernels."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self, "n_head")
        _require_switches(self, "fused")
        _require(self.d_model % self.n_head == 0, "n_head", f"divide d_model = {self.d_model}", self.n_head)


@dataclass(frozen=True, kw_only=True)
class MambaConfig(TrunkConfig):
    """Stack of Mamba-1 mixers."""

    d_state: int
    """Size of the state per channel."""
    d_conv: int
    """Taps of the causal convolution, the current token included."""
    expand: int
    """Inner width as a multiple of d_model."""
    residual: bool = False
    """False: mixers one after another, as published with GAM. True: x + mixer(norm(x)), as in Mamba's own model."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self, "d_state", "d_conv", "expand")
        _require_switches(self, "residual")


@dataclass(frozen=True, kw_only=True)
class GatedSlotsConfig(TrunkConfig):
    """A memory that each token writes to: Gated Slot Attention."""

    n_head: int
    """Heads, each with a memory of its own; divides d_model."""
    n_slot: int
    """Slots of a head."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self, "n_head", "n_slot")
        _require(self.d_model % self.n_head == 0, "n_head", f"divide d_model = {self.d_model}", self.n_head)


ModelConfig = GAMConfig | TransformerConfig | MambaConfig | GatedSlotsConfig

CONFIGS: dict[str, type[ModelConfig]] = {
    "gam": GAMConfig,
    "transformer": TransformerConfig,
    "mamba": MambaConfig,
    "gated_slots": GatedSlotsConfig,
}
"""By the word for a block, in params.yaml and in the config.json of an exported model."""
