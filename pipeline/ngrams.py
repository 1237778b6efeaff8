"""Stage `ngrams`: what counts of the train tokens are worth on the other splits -> results/ngrams.

A trained model is to beat them. One whose loss is near the unigram's knows how frequent tokens are and no more; one
above the bigram's makes less of all the tokens before than a count makes of the last, and one above the trigram's than
a count makes of the last two.

Shapes: N blocks, T = block_size, V vocabulary.
"""

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


def main() -> None:
    args, params = read_names(__doc__, "dataset")
    dataset, batch_size = params.datasets[args.dataset], params.train.batch_size
    machine = start(params.runtime.model_copy(update={"device": "cpu"}))
    tokens = open_tokens(args.dataset, dataset)
    train = tokens.blocks("train", dataset.block_size)
    frequencies = unigram(train, tokens.vocab_size)
    models: dict[Ngram, dict[Literal["validation", "test"], SplitMetrics]] = {name: {} for name in NGRAMS}
    for split, counts in tokens.splits.items():
        if split != "train":
            blocks = tokens.blocks(split, dataset.block_size)
            models["unigram"][split] = describe(score(frequencies[blocks[:, 1:]], batch_size), counts)
            models["bigram"][split] = describe(score(bigram(train, frequencies, blocks), batch_size), counts)
            models["trigram"][split] = describe(score(trigram(train, frequencies, blocks), batch_size), counts)
    result = Ngrams(
        dataset=args.dataset,
        data=dataset.what(),
        block_size=dataset.block_size,
        batch_size=batch_size,
        models=models,
        provenance=provenance(machine, "float64", tokens),
    )
    write_result(paths.ngrams(args.dataset), result)


def unigram(train: NDArray[Any], vocab_size: int) -> Probabilities:
    """Probability (V,) of each id as a target in blocks (N, T + 1), one added to each count (Laplace)."""
    counts = np.bincount(train[:, 1:].ravel(), minlength=vocab_size)
    smoothed: Probabilities = (counts + 1) / (counts.sum() + vocab_size)
    return smoothed


def bigram(train: NDArray[Any], frequencies: Probabilities, blocks: NDArray[Any]) -> Probabilities:
    """Probability (N, T) of each target of `blocks` (N, T + 1) given the id before it, by the pairs of `train`.

    `frequencies` (V,) are the unigram's, to which it falls back.
    """
    given, targets = blocks[:, :-1], blocks[:, 1:]
    return witten_bell(train[:, :-1], train[:, 1:], given, targets, frequencies[targets], len(frequencies))


def trigram(train: NDArray[Any], frequencies: Probabilities, blocks: NDArray[Any]) -> Probabilities:
    """The same given the two ids before it, by the triples of `train`, falling back to the bigram.

    The first target of a block has one id before it: its probability is the bigram's.
    """
    probabilities, vocab_size = bigram(train, frequencies, blocks), len(frequencies)
    known, wanted = _pairs(train, vocab_size)[:, :-1], _pairs(blocks, vocab_size)[:, :-1]
    fallback, targets = probabilities[:, 1:], blocks[:, 2:]
    probabilities[:, 1:] = witten_bell(known, train[:, 2:], wanted, targets, fallback, vocab_size)
    return probabilities


def witten_bell(
    train_given: NDArray[Any],
    train_targets: NDArray[Any],
    given: NDArray[Any],
    targets: NDArray[Any],
    fallback: Probabilities,
    vocab_size: int,
) -> Probabilities:
    """P(w | h) of `targets` w after `given` h, any numbers for the ids before, of which `fallback` holds P'(w | h).

    P(w | h) = (c(h, w) + k(h) P'(w | h)) / (c(h) + k(h)) with c(h, w) and c(h) how often train has w after h and any
    target after h, k(h) how many different ones, and P' what is known from fewer ids (Witten and Bell 1991, method C,
    in the interpolated form of Chen and Goodman 1999, section 2.4). What never stood before a target has P'.
    """
    train_given, given = train_given.astype(np.int64), given.astype(np.int64)
    together, counts = np.unique(train_given * vocab_size + train_targets, return_counts=True)
    found = _look_up(together, counts, given * vocab_size + targets)
    before, first, kinds = np.unique(together // vocab_size, return_index=True, return_counts=True)
    totals = np.add.reduceat(counts, first)
    total, kind = _look_up(before, totals, given), _look_up(before, kinds, given)
    probabilities: Probabilities = (found + kind * fallback) / np.maximum(total + kind, 1)
    return np.where(kind > 0, probabilities, fallback)


def _look_up(keys: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The value of each wanted key, 0 where it is not among the sorted `keys`."""
    nearest = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[nearest] == wanted, values[nearest], 0)


def _pairs(blocks: NDArray[Any], vocab_size: int) -> NDArray[np.int64]:
    """One number (N, T) for each id and the one after it."""
    return blocks[:, :-1].astype(np.int64) * vocab_size + blocks[:, 1:]


def score(probabilities: Probabilities, batch_size: int) -> Score:
    """Losses of targets with these probabilities (N, T), defined like those of a trained model."""
    losses = -np.log(probabilities).mean(axis=1)
    batches = [losses[at : at + batch_size].mean() for at in range(0, len(losses), batch_size)]
    return Score(float(np.mean(batches)), float(losses.mean()), probabilities.size)


if __name__ == "__main__":
    exit_cleanly(main)
