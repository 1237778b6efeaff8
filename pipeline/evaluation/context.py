"""What context is worth to trained weights: the loss by position in a block, and by how many tokens the model gets.

In evaluation mode and float32, whatever the precision of the run.

Shapes: N blocks, T = block_size tokens, V vocabulary.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gam import GAMConfig, LanguageModel
from pipeline.artifacts.inside_records import ContextLoss
from pipeline.evaluation.probes import model_inputs, ready

BATCH_TOKENS = 4096
"""Tokens of a forward pass: they bound the memory, and change no more than the last bits of a loss."""

Array = np.ndarray[Any, np.dtype[Any]]


@torch.no_grad()
def position_losses(model: LanguageModel, blocks: Array) -> list[float]:
    """Loss in nats at each position of `blocks` (N, T + 1), mean over blocks: T values.

    The model has seen t + 1 tokens where it makes the loss at position t. Each position has other targets, so that
    neighbours differ by chance too.
    """
    ready(model)
    sums = np.zeros(blocks.shape[1] - 1)
    rows = max(1, BATCH_TOKENS // len(sums))
    for at in range(0, len(blocks), rows):
        batch = blocks[at : at + rows]
        logits, _ = model(model_inputs(model, batch))
        sums += _losses(logits, batch[:, 1:]).double().sum(0).cpu().numpy()
    means: list[float] = (sums / len(blocks)).tolist()
    return means


@torch.no_grad()
def context_losses(model: LanguageModel, blocks: Array) -> list[ContextLoss]:
    """Loss in nats at the last token of each block (N, T + 1), of which the model gets only the k tokens before it.

    k are the powers of two below T, and for a GAM with a convolution its reach, where that is below T too. With all T
    tokens before it the loss is the last of `position_losses`. The targets are the same for every k, and for all models
    with one T: what more context changes is not blurred by which tokens are hard.

    The k tokens are an input of their own: they stand at positions 0 to k - 1, as the first tokens of every block of
    the training did. So no model sees what it was not trained on. The two other ways would show it just that: k tokens
    at the last positions with nothing before them, or with wrong tokens before them, which also mislead a model that
    looks at them. The price is that the learned position of the last token changes with k. How much that alone is worth
    can be seen in a model whose reach is less than k: for it nothing else changes.
    """
    ready(model)
    config, block_size = model.config, model.config.block_size
    lengths = {2**power for power in range(block_size.bit_length())}
    if isinstance(config, GAMConfig) and config.local:
        lengths.add(config.n_layer * (config.kernel_size - 1) + 1)
    found = []
    for length in sorted(length for length in lengths if length < block_size):
        given, rows, total = blocks[:, block_size - length :], max(1, BATCH_TOKENS // length), 0.0
        for at in range(0, len(given), rows):
            batch = given[at : at + rows]
            logits = model.head(model.hidden(model_inputs(model, batch))[:, -1])
            total += _losses(logits, batch[:, -1]).double().sum().item()
        found.append(ContextLoss(tokens=length, loss=total / len(given)))
    return found


def _losses(logits: Tensor, targets: Array) -> Tensor:
    """-log softmax(logits)[target]: logits (..., V), targets and result (...)."""
    ids = torch.from_numpy(targets.astype(np.int64)).to(logits.device)
    return F.cross_entropy(logits.flatten(0, -2), ids.flatten(), reduction="none").view(ids.shape)
