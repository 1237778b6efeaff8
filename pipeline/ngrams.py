"""Stage `ngrams`: what counts of the train tokens are worth on the other splits -> results/ngrams.

A trained model is to beat them. One whose loss is near the unigram's knows how frequent tokens are and no more; one
above the bigram's makes less of all the tokens before than a count makes of the last, and one above the trigram's than
a count makes of the last two.

Tokens are read some blocks at a time. The memory grows with the different pairs and triples of the train tokens: some
25 bytes for each.

Shapes: N blocks, T = block_size, V vocabulary, K different pairs or triples, H different beginnings of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import NGRAMS, Ngram, Ngrams, SplitMetrics
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.data.tokens import open_tokens
from pipeline.evaluation.metrics import Score, describe
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names

Probabilities = NDArray[np.float64]
Numbers = NDArray[np.int64]
TOKENS_AT_ONCE = 2**22


def main() -> None:
    args, params = read_names(__doc__, "dataset")
    dataset, batch_size = params.datasets[args.dataset], params.train.batch_size
    machine = start(params.runtime.model_copy(update={"device": "cpu"}))
    tokens = open_tokens(args.dataset, dataset)
    train = tokens.blocks("train", dataset.block_size)
    frequencies = unigram(train, tokens.vocab_size)
    pairs, triples = count_after(train, 1, tokens.vocab_size), count_after(train, 2, tokens.vocab_size)
    models: dict[Ngram, dict[Literal["validation", "test"], SplitMetrics]] = {name: {} for name in NGRAMS}
    for split, counts in tokens.splits.items():
        if split != "train":
            blocks = tokens.blocks(split, dataset.block_size)
            probabilities: dict[Ngram, Iterator[Probabilities]] = {
                "unigram": (frequencies[part[:, 1:]] for part in parts(blocks)),
                "bigram": (bigram(pairs, frequencies, part) for part in parts(blocks)),
                "trigram": (trigram(triples, pairs, frequencies, part) for part in parts(blocks)),
            }
            for name, of_parts in probabilities.items():
                models[name][split] = describe(score(of_parts, batch_size), counts)
    result = Ngrams(
        dataset=args.dataset,
        data=dataset.what(),
        block_size=dataset.block_size,
        batch_size=batch_size,
        models=models,
        provenance=provenance(machine, "float64", tokens),
    )
    write_result(paths.ngrams(args.dataset), result)


def parts(blocks: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The blocks, so many at a time that they have some TOKENS_AT_ONCE."""
    rows = max(1, TOKENS_AT_ONCE // blocks.shape[1])
    for at in range(0, len(blocks), rows):
        yield blocks[at : at + rows]


@dataclass(frozen=True)
class Counts:
    """How often which targets stand after which ids: pairs, or triples."""

    vocab_size: int
    together: Numbers
    """The pairs or triples, each as one number, sorted: (K,)."""
    counts: Numbers
    """How often each of them is there: (K,)."""
    before: Numbers
    """What targets stand after, each as one number, sorted: (H,)."""
    totals: Numbers
    """How many targets do: (H,)."""
    kinds: Numbers
    """How many different ones do: (H,)."""


def unigram(train: NDArray[Any], vocab_size: int) -> Probabilities:
    """Probability (V,) of each id as a target in blocks (N, T + 1), one added to each count (Laplace)."""
    counts = np.zeros(vocab_size, np.int64)
    for part in parts(train):
        counts += np.bincount(part[:, 1:].ravel(), minlength=vocab_size)
    smoothed: Probabilities = (counts + 1) / (counts.sum() + vocab_size)
    return smoothed


def count_after(train: NDArray[Any], before: Literal[1, 2], vocab_size: int) -> Counts:
    """What stands after one id, or after two, in blocks (N, T + 1)."""
    together, counts = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for part in parts(train):
        keys, found = np.unique(_given(part, before, vocab_size) * vocab_size + part[:, before:], return_counts=True)
        at = np.searchsorted(together, keys)
        new = np.searchsorted(together, keys, side="right") == at
        counts[at[~new]] += found[~new]
        together, counts = np.insert(together, at[new], keys[new]), np.insert(counts, at[new], found[new])
    beginnings = together // vocab_size
    first = np.flatnonzero(np.concatenate([[True], beginnings[1:] != beginnings[:-1]]))
    kinds = np.diff(first, append=len(together))
    return Counts(vocab_size, together, counts, beginnings[first], np.add.reduceat(counts, first), kinds)


def bigram(pairs: Counts, frequencies: Probabilities, blocks: NDArray[Any]) -> Probabilities:
    """Probability (N, T) of each target of `blocks` (N, T + 1) given the id before it, by pairs of train tokens.

    `frequencies` (V,) are the unigram's, to which it falls back.
    """
    targets = blocks[:, 1:]
    return witten_bell(pairs, _given(blocks, 1, pairs.vocab_size), targets, frequencies[targets])


def trigram(triples: Counts, pairs: Counts, frequencies: Probabilities, blocks: NDArray[Any]) -> Probabilities:
    """The same given the two ids before it, by the triples, falling back to the bigram.

    The first target of a block has one id before it: its probability is the bigram's.
    """
    probabilities = bigram(pairs, frequencies, blocks)
    given = _given(blocks, 2, triples.vocab_size)
    probabilities[:, 1:] = witten_bell(triples, given, blocks[:, 2:], probabilities[:, 1:])
    return probabilities


def witten_bell(train: Counts, given: Numbers, targets: NDArray[Any], fallback: Probabilities) -> Probabilities:
    """P(w | h) of `targets` w after `given` h, numbers for the ids before, of which `fallback` holds P'(w | h).

    P(w | h) = (c(h, w) + k(h) P'(w | h)) / (c(h) + k(h)) with c(h, w) and c(h) how often train has w after h and any
    target after h, k(h) how many different ones, and P' what is known from fewer ids (Witten and Bell 1991, method C,
    in the interpolated form of Chen and Goodman 1999, section 2.4). What never stood before a target has P'.
    """
    found = _look_up(train.together, train.counts, given * train.vocab_size + targets)
    total, kind = _look_up(train.before, train.totals, given), _look_up(train.before, train.kinds, given)
    probabilities: Probabilities = (found + kind * fallback) / np.maximum(total + kind, 1)
    return np.where(kind > 0, probabilities, fallback)


def _look_up(keys: Numbers, values: Numbers, wanted: Numbers) -> Numbers:
    """The value of each wanted key, 0 where it is not among the sorted `keys`."""
    nearest = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[nearest] == wanted, values[nearest], 0)


def _given(blocks: NDArray[Any], before: Literal[1, 2], vocab_size: int) -> Numbers:
    """One number (N, T + 1 - before) for the `before` ids before each target that has so many before it."""
    ids = blocks.astype(np.int64)
    return ids[:, :-1] if before == 1 else ids[:, :-2] * vocab_size + ids[:, 1:-1]


def score(probabilities: Iterable[Probabilities], batch_size: int) -> Score:
    """Losses of targets with these probabilities (N, T), some blocks after others, defined like a trained model's."""
    of_parts, targets = [], 0
    for part in probabilities:
        of_parts.append(-np.log(part).mean(axis=1))
        targets += part.size
    losses = np.concatenate(of_parts)
    batches = [losses[at : at + batch_size].mean() for at in range(0, len(losses), batch_size)]
    return Score(float(np.mean(batches)), float(losses.mean()), targets)


if __name__ == "__main__":
    exit_cleanly(main)
