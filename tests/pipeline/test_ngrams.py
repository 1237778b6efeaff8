"""Counts of tokens beside their plain definition, and scored as a trained model is."""

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
import torch

from gam import GAMConfig, LanguageModel
from pipeline import ngrams as stage
from pipeline.artifacts.records import Ngrams
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.evaluation.metrics import score_blocks
from pipeline.ngrams import Counts, bigram, count_after, score, trigram, unigram
from pipeline.ngrams import main as ngrams
from tests.conftest import Workspace, tokens_of

VOCAB_SIZE = 11


def some_blocks(seed: int, count: int) -> np.ndarray:
    """Blocks of 7 ids, some of which are frequent, some never there and some never followed by anything."""
    ids = np.random.default_rng(seed).geometric(0.3, (count, 7)).clip(max=VOCAB_SIZE - 2)
    return ids.astype(np.uint16)


def counted(train: np.ndarray, vocab_size: int) -> tuple[np.ndarray, Counts, Counts]:
    return unigram(train, vocab_size), count_after(train, 1, vocab_size), count_after(train, 2, vocab_size)


def by_hand(train: np.ndarray) -> dict[tuple[int, ...], Fraction]:
    """P(w | h) of all pairs (h, w), and of all triples, by loops and fractions."""
    pairs = Counter((int(h), int(w)) for row in train for h, w in pairwise(row))
    targets, given, after = Counter[int](), Counter[int](), defaultdict[int, set[int]](set)
    for (h, w), count in pairs.items():
        targets[w] += count
        given[h] += count
        after[h].add(w)
    found: dict[tuple[int, ...], Fraction] = {}
    for h in range(VOCAB_SIZE):
        for w in range(VOCAB_SIZE):
            frequency = Fraction(targets[w] + 1, sum(targets.values()) + VOCAB_SIZE)
            kinds = len(after[h])
            found[h, w] = (pairs[h, w] + kinds * frequency) / (given[h] + kinds) if kinds else frequency
    triples = [tuple(map(int, row[at : at + 3])) for row in train for at in range(len(row) - 2)]
    for g, h, w in product(range(VOCAB_SIZE), repeat=3):
        here = [triple[2] for triple in triples if triple[:2] == (g, h)]
        kinds, both = len(set(here)), found[h, w]
        found[g, h, w] = (here.count(w) + kinds * both) / (len(here) + kinds) if kinds else both
    return found


@pytest.mark.parametrize("tokens_at_once", [1, 14, 2**22])
def test_agree_with_their_plain_definition(tokens_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks are counted at a time."""
    monkeypatch.setattr(stage, "TOKENS_AT_ONCE", tokens_at_once)
    train, blocks = some_blocks(0, 5), some_blocks(1, 40)
    frequencies, pairs, triples = counted(train, VOCAB_SIZE)
    expected = by_hand(train)
    unseen = VOCAB_SIZE - 1
    assert frequencies == pytest.approx([float(expected[unseen, w]) for w in range(VOCAB_SIZE)], rel=1e-14)
    assert set(blocks[:, :-1].ravel()) - set(train[:, :-1].ravel()), "no block has a token that train lacks"
    of_blocks = [[float(expected[int(h), int(w)]) for h, w in pairwise(r)] for r in blocks]
    np.testing.assert_allclose(bigram(pairs, frequencies, blocks), of_blocks, rtol=1e-14)
    for row, first in zip(blocks, of_blocks, strict=True):
        rest = [float(expected[tuple(map(int, row[at : at + 3]))]) for at in range(5)]
        np.testing.assert_allclose(trigram(triples, pairs, frequencies, row[None])[0], [first[0], *rest], rtol=1e-14)


def test_are_distributions() -> None:
    frequencies, pairs, triples = counted(some_blocks(0, 30), VOCAB_SIZE)
    assert frequencies.sum() == pytest.approx(1, rel=1e-14)
    every_pair = np.stack(np.meshgrid(range(VOCAB_SIZE), range(VOCAB_SIZE), indexing="ij"), -1).reshape(-1, 2)
    given = bigram(pairs, frequencies, every_pair).reshape(VOCAB_SIZE, VOCAB_SIZE)
    np.testing.assert_allclose(given.sum(axis=1), 1, rtol=1e-14)
    every_triple = np.array(list(product(range(VOCAB_SIZE), repeat=3)))
    after_two = trigram(triples, pairs, frequencies, every_triple)[:, 1].reshape(-1, VOCAB_SIZE)
    np.testing.assert_allclose(after_two.sum(axis=1), 1, rtol=1e-14)


def second_order_chain(rule: np.ndarray, length: int, seed: int) -> np.ndarray:
    """Symbols of which each is drawn by the two before it: `rule` (S, S, S) holds P(w | g, h). Blocks of 101."""
    random, symbols = np.random.default_rng(seed), [0, 1]
    bounds = rule.cumsum(-1)
    for draw in random.random(length):
        symbols.append(int(np.searchsorted(bounds[symbols[-2], symbols[-1]], draw)))
    return np.array(symbols[2:], np.uint16).reshape(-1, 101)


def token_losses(train: np.ndarray, blocks: np.ndarray, vocab_size: int) -> tuple[float, float, float]:
    frequencies, pairs, triples = counted(train, vocab_size)
    of_all = (
        frequencies[blocks[:, 1:]],
        bigram(pairs, frequencies, blocks),
        trigram(triples, pairs, frequencies, blocks),
    )
    one, two, three = (score([probabilities], 32).token_loss for probabilities in of_all)
    return one, two, three


def test_on_symbols_whose_entropy_two_before_them_decide() -> None:
    """w is g + h or g + h + 1 modulo 4, with 0.8 and 0.2: 0.5004 nats given both, ln 4 given one of them or none."""
    rule = np.zeros((4, 4, 4))
    for g, h in product(range(4), repeat=2):
        rule[g, h, (g + h) % 4], rule[g, h, (g + h + 1) % 4] = 0.8, 0.2
    train, blocks = (second_order_chain(rule, 101 * count, seed) for seed, count in ((0, 1000), (1, 300)))
    entropy = -(0.8 * math.log(0.8) + 0.2 * math.log(0.2))
    one, two, three = token_losses(train, blocks, 4)
    assert (one, two) == pytest.approx((math.log(4), math.log(4)), abs=0.005)
    # One target in a hundred, a block's first, has one symbol before it.
    assert three == pytest.approx(0.99 * entropy + 0.01 * math.log(4), abs=0.01)


def test_on_symbols_that_nothing_tells_of() -> None:
    """Independent draws: what comes before is worth nothing, and costs no more than counting it does."""
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    train, blocks = (np.random.default_rng(seed).choice(4, (400, 101), p=shares).astype(np.uint16) for seed in (0, 1))
    entropy = -(shares * np.log(shares)).sum()
    assert token_losses(train, blocks, 4) == pytest.approx((entropy,) * 3, abs=0.01)


def test_scored_as_a_model_is() -> None:
    """The losses of a trained model, computed from its probabilities like those of a count."""
    torch.manual_seed(0)
    config = GAMConfig(vocab_size=VOCAB_SIZE, block_size=6, d_model=8, n_layer=1, n_slot=4, kernel_size=3, dropout=0.0)
    model, blocks = LanguageModel(config).eval(), some_blocks(2, 13)
    ids = torch.from_numpy(blocks.astype(np.int64))
    with torch.no_grad():
        logits, _ = model(ids[:, :-1], ids[:, 1:])
    probabilities = logits.softmax(-1).gather(-1, ids[:, 1:, None])[..., 0].double().numpy()
    ours, theirs = score([probabilities[:5], probabilities[5:]], 4), score_blocks(model, blocks, 4, "float32")
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
    assert found.models["trigram"]["test"].token_loss < found.models["bigram"]["test"].token_loss
    assert found.models["bigram"]["test"].token_loss < found.models["unigram"]["test"].token_loss < math.log(150)
    assert found.provenance.data == {split: counts.sha256 for split, counts in tokens.splits.items()}
    assert (found.provenance.precision, found.provenance.device_type) == ("float64", "cpu")
    before = paths.ngrams("stories").read_bytes()
    tokenised.call(ngrams, "--dataset", "stories")
    assert paths.ngrams("stories").read_bytes() == before
