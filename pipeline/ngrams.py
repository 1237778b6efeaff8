"""Stage `ngrams`: what counts of the train tokens are worth on the other splits -> results/ngrams.

A trained model is to beat them. One whose loss is near the unigram's knows how frequent tokens are and no more; one
above the bigram's makes less of all the tokens before than a count makes of the last.

Shapes: N blocks, T = block_size, V vocabulary.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import Ngrams
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
    unigrams, bigrams = {}, {}
    for split, counts in tokens.splits.items():
        if split != "train":
            blocks = tokens.blocks(split, dataset.block_size)
            unigrams[split] = describe(score(frequencies[blocks[:, 1:]], batch_size), counts)
            bigrams[split] = describe(score(bigram(train, frequencies, blocks), batch_size), counts)
    result = Ngrams(
        dataset=args.dataset,
        data=dataset.what(),
        block_size=dataset.block_size,
        batch_size=batch_size,
        models={"unigram": unigrams, "bigram": bigrams},
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

    P(w | h) = (c(h, w) + k(h) P(w)) / (c(h) + k(h)) with c(h, w) counts of pairs, c(h) of ids before a target, k(h) of
    different ids after h, and P(w) the unigram's (Witten and Bell 1991, method C, in the interpolated form of Chen and
    Goodman 1999, section 2.4).
    """
    vocab_size = len(frequencies)
    pairs, pair_counts = np.unique(_codes(train, vocab_size), return_counts=True)
    counts = np.bincount(train[:, :-1].ravel(), minlength=vocab_size)
    kinds = np.maximum(np.bincount(pairs // vocab_size, minlength=vocab_size), 1)  # 1: what was never seen has P(w)
    wanted = _codes(blocks, vocab_size)
    nearest = np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)
    found = np.where(pairs[nearest] == wanted, pair_counts[nearest], 0)
    given, targets = blocks[:, :-1], blocks[:, 1:]
    probabilities: Probabilities = (found + kinds[given] * frequencies[targets]) / (counts[given] + kinds[given])
    return probabilities


def _codes(blocks: NDArray[Any], vocab_size: int) -> NDArray[np.int64]:
    """One number (N, T) for each id and the one after it."""
    return blocks[:, :-1].astype(np.int64) * vocab_size + blocks[:, 1:]


def score(probabilities: Probabilities, batch_size: int) -> Score:
    """Losses of targets with these probabilities (N, T), defined like those of a trained model."""
    losses = -np.log(probabilities).mean(axis=1)
    batches = [losses[at : at + batch_size].mean() for at in range(0, len(losses), batch_size)]
    return Score(float(np.mean(batches)), float(losses.mean()), probabilities.size)


if __name__ == "__main__":
    exit_cleanly(main)
