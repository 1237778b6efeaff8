"""What every task gives: sequences, what is asked in them, and from how far back the answer comes.

Shapes: B sequences, T tokens. All tensors are int64 on the CPU.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import torch
from torch import Tensor

NOT_ASKED = -1
"""The answer where nothing is asked."""
AT_ONCE = 256
"""Sequences of a batch of the test."""

Part = Literal["train", "check", "test"]


@dataclass(frozen=True)
class Batch:
    """Some sequences of a task."""

    tokens: Tensor
    """(B, T). The ids of the answers come first: 0 to n_answers - 1."""
    answers: Tensor
    """(B, T): what the model is to say after having read a token, or NOT_ASKED."""
    distances: Tensor
    """(B, T): how many tokens before the asking one the thing asked for stands; 0 where nothing is asked."""

    @property
    def asked(self) -> Tensor:
        """(B, T): whether something is asked."""
        return self.answers != NOT_ASKED


class Case(ABC):
    """One case of a task: a distance, a length, a number of facts."""

    n_answers: int
    """Answers to choose from; a guess is right once in so many times."""
    vocab_size: int
    """Token ids."""
    embeddings_learn = True
    """False: they stay as drawn, so that what is learned must stand in the blocks."""

    @abstractmethod
    def batch(self, seed: int, part: Part, number: int, sequences: int) -> Batch:
        """Some sequences. They follow from the seed, from what they are for, and from their number among those."""

    def test(self, seed: int, queries: int) -> Iterator[Batch]:
        """Sequences that no training sees, with at least so many questions."""
        number = 0
        while queries > 0:
            batch = self.batch(seed, "test", number, AT_ONCE)
            queries, number = queries - int(batch.asked.sum()), number + 1
            yield batch


def generator(*of: object) -> torch.Generator:
    """A generator whose numbers follow from these values alone."""
    seed = int.from_bytes(sha256(repr(of).encode()).digest()[:8], "big")
    return torch.Generator().manual_seed(seed)
