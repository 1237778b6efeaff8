"""The position-wise network that all blocks but Mamba's share."""

from torch import nn

from gam.ops.dropout import Dropout


def feed_forward(d_model: int, dropout: float, width: int | None = None) -> nn.Sequential:
    """Linear to `width` (4 d_model where None), exact GELU, Linear back, dropout.

    Keeps the published names `ffn.0` and `ffn.2`.
    """
    width = 4 * d_model if width is None else width
    return nn.Sequential(
        nn.Linear(d_model, width),
        nn.GELU(),
        nn.Linear(width, d_model),
        Dropout(dropout),
    )
