"""Facts: a table of keys and values that never changes, and that a model has to keep in its weights."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pipeline.data.tasks.case import Batch, Case, Part, generator


class FactsCase(Case):
    """Sequences of one token: a key, which asks for its own value.

    Values are tokens 0 to `values` - 1, keys the ones after them. Nothing stands before the key, so that no part of a
    model is disturbed by other tokens. The embeddings stay random vectors: if they learned, each key could carry its
    value itself, and no block would have to know anything.
    """

    embeddings_learn = False

    def __init__(self, pairs: int, values: int) -> None:
        self.pairs, self.n_answers, self.vocab_size = pairs, values, values + pairs

    def batch(self, seed: int, part: Part, number: int, sequences: int) -> Batch:
        random = generator("facts", self.pairs, seed, part, number)
        return self._ask(seed, torch.randint(self.pairs, (sequences,), generator=random))

    def test(self, seed: int, queries: int) -> Iterator[Batch]:  # noqa: ARG002  # each is asked once
        """The whole table."""
        for keys in torch.arange(self.pairs).split(1024):
            yield self._ask(seed, keys)

    def _ask(self, seed: int, keys: Tensor) -> Batch:
        table = torch.randint(self.n_answers, (self.pairs,), generator=generator("table", self.pairs, seed))
        tokens = (keys + self.n_answers).unsqueeze(1)
        return Batch(tokens, table[keys].unsqueeze(1), torch.zeros_like(tokens))
