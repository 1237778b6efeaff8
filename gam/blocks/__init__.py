"""One file per block; a block maps (B, T, D) to (B, T, D)."""

from torch import nn

from gam.blocks.gam import GAMBlock
from gam.blocks.mamba import MambaBlock
from gam.blocks.transformer import TransformerBlock
from gam.config import GAMConfig, ModelConfig, TransformerConfig


def build_block(config: ModelConfig) -> nn.Module:
    """One block of the type that `config` describes."""
    if isinstance(config, GAMConfig):
        return GAMBlock(config)
    if isinstance(config, TransformerConfig):
        return TransformerBlock(config)
    return MambaBlock(config)
