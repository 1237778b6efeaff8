"""One file per block; a block maps (B, T, D) to (B, T, D)."""

from typing import Any

from torch import nn

from gam.blocks.gam import GAMBlock
from gam.blocks.gated_slots import GatedSlotsBlock
from gam.blocks.mamba import MambaBlock
from gam.blocks.transformer import TransformerBlock
from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, ModelConfig, TransformerConfig

BLOCKS: dict[type[ModelConfig], Any] = {
    GAMConfig: GAMBlock,
    TransformerConfig: TransformerBlock,
    MambaConfig: MambaBlock,
    GatedSlotsConfig: GatedSlotsBlock,
}
"""By type of configuration."""


def build_block(config: ModelConfig) -> nn.Module:
    """One block of the type that `config` describes."""
    block: nn.Module = BLOCKS[type(config)](config)
    return block
