"""Counts of tokens beside their plain definition, and scored as a trained model is."""

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

from gam import GAMConfig, LanguageModel
from pipeline.artifacts.records import Ngrams
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.evaluation.metrics import score_blocks
from pipeline.ngrams import bigram, score, unigram
from pipeline.ngrams import main as ngrams
from tests.conftest import Workspace, tokens_of

VOCAB_SIZE = 11


def some_blocks(seed: int, count: int) -> np.ndarray:
    """Blocks of 7 ids, some of which are frequent, some never there and some never followed by anything."""
    ids = np.random.default_rng(seed).geometric(0.3, (count, 7)).clip(max=VOCAB_SIZE - 2)
    return ids.astype(np.uint16)


def by_hand(train: np.ndarray) -> dict[tuple[int, int], Fraction]:
    """P(w | h) of all pairs, by loops and fractions."""
    pairs = Counter((int(h), int(w)) for row in train for h, w in pairwise(row))
    targets, given, after = Counter[int](), Counter[int](), defaultdict[int, set[int]](set)
    for (h, w), count in pairs.items():
        targets[w] += count
        given[h] += count
        after[h].add(w)
    found = {}
    for h in range(VOCAB_SIZE):
        for w in range(VOCAB_SIZE):
            frequency = Fraction(targets[w] + 1, sum(targets.values()) + VOCAB_SIZE)
            kinds = len(after[h])
            found[h, w] = (pairs[h, w] + kinds * frequency) / (given[h] + kinds) if kinds else frequency
    return found


def test_agree_with_their_plain_definition() -> None:
    train, blocks = some_blocks(0, 5), some_blocks(1, 40)
    frequencies = unigram(train, VOCAB_SIZE)
    expected = by_hand(train)
    unseen = VOCAB_SIZE - 1
    assert frequencies == pytest.approx([float(expected[unseen, w]) for w in range(VOCAB_SIZE)], rel=1e-14)
    assert set(blocks[:, :-1].ravel()) - set(train[:, :-1].ravel()), "no block has a token that train lacks"
    of_blocks = [[float(expected[int(h), int(w)]) for h, w in pairwise(r)] for r in blocks]
    np.testing.assert_allclose(bigram(train, frequencies, blocks), of_blocks, rtol=1e-14)


def test_are_distributions() -> None:
    train = some_blocks(0, 30)
    frequencies = unigram(train, VOCAB_SIZE)
    assert frequencies.sum() == pytest.approx(1, rel=1e-14)
    every_pair = np.stack(np.meshgrid(range(VOCAB_SIZE), range(VOCAB_SIZE), indexing="ij"), -1).reshape(-1, 2)
    given = bigram(train, frequencies, every_pair).reshape(VOCAB_SIZE, VOCAB_SIZE)
    np.testing.assert_allclose(given.sum(axis=1), 1, rtol=1e-14)


def test_scored_as_a_model_is() -> None:
    """The losses of a trained model, computed from its probabilities like those of a count."""
    torch.manual_seed(0)
    config = GAMConfig(vocab_size=VOCAB_SIZE, block_size=6, d_model=8, n_layer=1, n_slot=4, kernel_size=3, dropout=0.0)
    model, blocks = LanguageModel(config).eval(), some_blocks(2, 13)
    ids = torch.from_numpy(blocks.astype(np.int64))
    with torch.no_grad():
        logits, _ = model(ids[:, :-1], ids[:, 1:])
    probabilities = logits.softmax(-1).gather(-1, ids[:, 1:, None])[..., 0].double().numpy()
    ours, theirs = score(probabilities, 4), score_blocks(model, blocks, 4, "float32")
    assert ours.targets == theirs.targets == 13 * 6
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
    assert ours.token_loss == pytest.approx(theirs.token_loss, rel=1e-6)
    assert abs(ours.loss - ours.token_loss) > 1e-4  # 13 blocks are three batches of 4 and one of 1


def test_the_stage_writes_what_the_tables_read(tokenised: Workspace) -> None:
    tokenised.call(ngrams, "--dataset", "stories")
    found = read_result(paths.ngrams("stories"), Ngrams)
    assert found is not None
    tokens = tokens_of("stories")
    validation = tokens.blocks("validation", found.block_size)
    frequencies = unigram(tokens.blocks("train", found.block_size), tokens.vocab_size)
    loss = -np.log(frequencies[validation[:, 1:]]).mean()
    assert found.models["unigram"]["validation"].token_loss == pytest.approx(loss, rel=1e-12)
    assert found.models["bigram"]["test"].token_loss < found.models["unigram"]["test"].token_loss < math.log(150)
    assert found.provenance.data == {split: counts.sha256 for split, counts in tokens.splits.items()}
    assert (found.provenance.precision, found.provenance.device_type) == ("float64", "cpu")
    before = paths.ngrams("stories").read_bytes()
    tokenised.call(ngrams, "--dataset", "stories")
    assert paths.ngrams("stories").read_bytes() == before
