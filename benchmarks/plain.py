"""The published algorithm in place of this project's: what every fast path is measured against.

The blocks' forward passes operation by operation as published, on the plain definitions of `gam.ops`: a depthwise
conv1d, torch's own dropout, all attention weights and all logits held at once. The memory allocator stays this
project's; how much that alone gains is measured in a process of its own (`benchmarks.allocator`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor

from gam import LanguageModel
from gam.blocks.gam import GAMBlock
from gam.blocks.transformer import TransformerBlock
from gam.ops.attention import causal_attention_reference
from gam.ops.causal_convolution import causal_convolution_reference
from gam.ops.dropout import Dropout, dropout_reference
from gam.ops.feed_forward import feed_forward_reference
from gam.ops.memory_retrieval import memory_retrieval_reference


@contextmanager
def plain_definitions() -> Iterator[None]:
    """While it is active, models compute as published; Mamba's scan, which is no part of the paper's code, stays."""
    with (
        patch.object(GAMBlock, "forward", _gam_block),
        patch.object(TransformerBlock, "forward", _transformer_block),
        patch("gam.blocks.transformer.causal_attention_fused", causal_attention_reference),
        patch("gam.blocks.feed_forward.feed_forward", feed_forward_reference),
        patch("gam.blocks.mamba.causal_convolution", causal_convolution_reference),
        patch("gam.ops.attention.drop", dropout_reference),
        patch.object(Dropout, "forward", _dropout),
        patch.object(LanguageModel, "loss", _loss),
    ):
        yield


def _gam_block(self: GAMBlock, x: Tensor) -> Tensor:
    assert self.causal_conv is not None
    assert self.causal_conv.bias is not None
    assert self.memory_bank is not None
    assert self.gate is not None
    assert self.ln1 is not None
    n = self.ln1(x)
    local = causal_convolution_reference(n, self.causal_conv.weight, self.causal_conv.bias)
    retrieved = memory_retrieval_reference(n, self.memory_bank)
    local_gate, memory_gate = self.gate(n).chunk(2, dim=-1)
    x = x + (torch.sigmoid(local_gate) * local + torch.sigmoid(memory_gate) * retrieved)
    return x + self.ffn(x, self.ln2)


def _transformer_block(self: TransformerBlock, x: Tensor) -> Tensor:
    x = x + self.attn(self.ln_1(x))
    return x + self.ffn(x, self.ln_2)


def _dropout(self: Dropout, x: Tensor) -> Tensor:
    return dropout_reference(x, self.p) if self.training else x


def _loss(self: LanguageModel, idx: Tensor, targets: Tensor) -> Tensor:
    _, loss = self(idx, targets)
    assert isinstance(loss, Tensor)
    return loss
