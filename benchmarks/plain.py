"""The plain definitions in place of the fast operations: the published algorithm, under this project's allocator."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor

from gam import LanguageModel
from gam.ops.causal_convolution import causal_convolution_reference
from gam.ops.dropout import Dropout, dropout_reference


@contextmanager
def plain_definitions() -> Iterator[None]:
    """Depthwise conv1d, torch's own dropout, and a loss of logits that are all there at once."""

    def drop(self: Dropout, x: Tensor) -> Tensor:
        return dropout_reference(x, self.p) if self.training else x

    def loss(self: LanguageModel, idx: Tensor, targets: Tensor) -> Tensor:
        _, value = self(idx, targets)
        assert isinstance(value, torch.Tensor)
        return value

    with (
        patch("gam.blocks.gam.causal_convolution", causal_convolution_reference),
        patch("gam.blocks.mamba.causal_convolution", causal_convolution_reference),
        patch("gam.ops.attention.drop", dropout_reference),
        patch.object(Dropout, "forward", drop),
        patch.object(LanguageModel, "loss", loss),
    ):
        yield
