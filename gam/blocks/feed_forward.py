"""The position-wise network that all blocks but Mamba's share."""

from torch import Tensor, nn

from gam.ops.dropout import Dropout
from gam.ops.feed_forward import feed_forward


class FeedForward(nn.ModuleList):
    """For a normed input: Linear to `width` (4 d_model where None), exact GELU, Linear back, dropout.

    A list, which keeps the published names `ffn.0` and `ffn.2`.
    """

    def __init__(self, d_model: int, dropout: float, width: int | None = None) -> None:
        width = 4 * d_model if width is None else width
        super().__init__([nn.Linear(d_model, width), nn.GELU(), nn.Linear(width, d_model), Dropout(dropout)])

    def forward(self, x: Tensor, norm: nn.LayerNorm) -> Tensor:
        """Of norm(x), which is part of the operation."""
        into, back, dropout = self[0], self[2], self[3]
        assert isinstance(into, nn.Linear)
        assert isinstance(back, nn.Linear)
        y = feed_forward(x, norm.weight, norm.bias, into.weight, into.bias, back.weight, back.bias)
        dropped: Tensor = dropout(y)
        return dropped
