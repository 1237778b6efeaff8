"""Multi-query associative recall (Zoology, arXiv:2312.04927): which value stood after this key?"""

import torch

from pipeline.data.tasks.case import NOT_ASKED, Batch, Case, Part, generator


class AssociativeCase(Case):
    """Key, value, key, value, ...; then a key and a blank in turn, where each key asks for its value.

    Values are tokens 0 to `values` - 1, keys the next `keys`, the blank the one after them. The keys of a sequence
    differ. Its values are drawn independently, so that a model which sees some of them learns nothing of the others.

    As in Zoology but for two things. There each key is asked for once, most often soon after the pairs, and other
    places hold random tokens. Here every second place asks for a key drawn at random, so that all distances are asked
    and a training step has more to learn from; other places are blank.
    """

    def __init__(self, length: int, pairs: int, keys: int, values: int) -> None:
        self.length, self.pairs, self.keys = length, pairs, keys
        self.n_answers, self.vocab_size = values, values + keys + 1

    def batch(self, seed: int, part: Part, number: int, sequences: int) -> Batch:
        random = generator("associative", self.length, self.pairs, seed, part, number)
        shuffled = torch.rand(sequences, self.keys, generator=random).argsort(dim=1, stable=True)
        keys = shuffled[:, : self.pairs] + self.n_answers
        values = torch.randint(self.n_answers, keys.shape, generator=random)
        places = torch.arange(2 * self.pairs, self.length - 1, 2).expand(sequences, -1)
        which = torch.randint(self.pairs, places.shape, generator=random)
        tokens = torch.full((sequences, self.length), self.vocab_size - 1)
        tokens[:, 0 : 2 * self.pairs : 2] = keys
        tokens[:, 1 : 2 * self.pairs : 2] = values
        tokens.scatter_(1, places, keys.gather(1, which))
        answers, distances = torch.full_like(tokens, NOT_ASKED), torch.zeros_like(tokens)
        answers.scatter_(1, places, values.gather(1, which))
        distances.scatter_(1, places, places - 2 * which)
        return Batch(tokens, answers, distances)
