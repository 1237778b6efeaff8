"""What a model is worth on a split: what the stages train, evaluate and fingerprint share."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from gam import LanguageModel
from pipeline.artifacts.records import SplitMetrics, perplexity
from pipeline.data.tokens import SplitCounts
from pipeline.machine.precision import forward_in
from pipeline.params.models import Precision


@dataclass(frozen=True)
class Score:
    """Losses in nats per token over the blocks of a split."""

    loss: float
    """Published definition: mean over batches of the batch mean, so that the short last batch weighs as much as a full
    one. The tables compare this one with the paper."""
    token_loss: float
    """Mean over tokens."""
    targets: int
    """Tokens predicted: all of a block but its first."""


@torch.no_grad()
def score_blocks(model: LanguageModel, blocks: np.ndarray, batch_size: int, precision: Precision) -> Score:
    """Score (N, block_size + 1) token ids in order, without dropout, in batches of `batch_size`."""
    device = next(model.parameters()).device
    model.eval()
    losses, sizes = [], []
    for at in range(0, len(blocks), batch_size):
        batch = torch.from_numpy(blocks[at : at + batch_size].astype(np.int64)).to(device)
        with forward_in(precision, device), uncompiled(model):
            losses.append(model.loss(batch[:, :-1], batch[:, 1:]))
        sizes.append(len(batch))
    means = torch.stack(losses).double().cpu()
    weights = torch.tensor(sizes, dtype=torch.float64)
    token_loss = (means * weights).sum() / weights.sum()
    return Score(means.mean().item(), token_loss.item(), len(blocks) * (blocks.shape[1] - 1))


@contextmanager
def uncompiled(model: LanguageModel) -> Iterator[None]:
    """A context in which blocks that torch.compile has fused run as they are written.

    Compiled anew for scoring, they would on CUDA share the memory of the graphs that training replays, which then
    fail: "tensor output of CUDAGraphs that has been overwritten".
    """
    if all(block._compiled_call_impl is None for block in model.blocks):  # then the compiler is not loaded
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def describe(score: Score, counts: SplitCounts) -> SplitMetrics:
    """All metrics of a split, as they stand in the results.

    bits_per_byte and word_perplexity charge every token of the split, the unpredicted ones too, with the mean loss
    per token, and divide by the split's bytes and words. Unlike the loss they do not depend on the tokenizer, so
    they compare across vocabularies. The published tokenizer drops white space, whose bytes count all the same.
    """
    nats = score.token_loss * counts.tokens
    return SplitMetrics(
        loss=score.loss,
        perplexity=perplexity(score.loss),
        token_loss=score.token_loss,
        token_perplexity=perplexity(score.token_loss),
        bits_per_byte=nats / math.log(2) / counts.bytes,
        word_perplexity=perplexity(nats / counts.words),
        targets=score.targets,
    )
