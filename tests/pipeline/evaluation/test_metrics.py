"""Metrics by their definitions, from single logits."""

import math

import numpy as np
import pytest
import torch

from gam import LanguageModel
from pipeline.evaluation import metrics
from pipeline.params.schema import load_params
from tests.conftest import tokens_of


@pytest.mark.usefixtures("tokenised")
def test_metrics_by_hand() -> None:
    """Loss by its definition, token-weighted loss, bits per byte and word perplexity, from single logits."""
    tokens, entry = tokens_of("stories"), load_params().models["gam"]
    torch.manual_seed(0)
    model = LanguageModel(entry.config(tokens.vocab_size)).eval()
    blocks = tokens.blocks("test", 32)
    counts = tokens.splits["test"]
    with torch.no_grad():
        logits = model(torch.from_numpy(blocks[:, :-1].astype(np.int64)))[0].double()
    targets = torch.from_numpy(blocks[:, 1:].astype(np.int64))
    nats = -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    batch = 7
    assert len(blocks) % batch != 0
    expected = torch.stack([part.mean() for part in nats.split(batch)]).mean().item()
    score = metrics.score_blocks(model, blocks, batch, "float32")
    described = metrics.describe(score, counts)
    assert described.loss == pytest.approx(expected, rel=1e-6)
    assert described.token_loss == pytest.approx(nats.mean().item(), rel=1e-6)
    assert described.loss != pytest.approx(described.token_loss, rel=1e-6)
    per_token = nats.mean().item()
    assert described.bits_per_byte == pytest.approx(per_token * counts.tokens / counts.bytes / math.log(2), rel=1e-6)
    assert described.word_perplexity == pytest.approx(math.exp(per_token * counts.tokens / counts.words), rel=1e-6)
    assert described.targets == targets.numel()
