"""The position-wise network that all blocks but Mamba's share."""

from torch import nn

from gam.ops.dropout import Dropout


def feed_forward(d_model: int, dropout: float) -> nn.Sequential:
    """Linear to 4 d_model, exact GELU, Linear back, dropout. Keeps the published names `ffn.0` and `ffn.2`."""
    return nn.Sequential(
        nn.Linear(d_model, 4 * d_model),
        nn.GELU(),
        nn.Linear(4 * d_model, d_model),
        Dropout(dropout),
    )
