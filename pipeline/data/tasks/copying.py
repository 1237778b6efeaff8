"""Copying: which symbol stood so many tokens back?"""

import torch

from pipeline.data.tasks.case import NOT_ASKED, Batch, Case, Part, generator


class CopyingCase(Case):
    """`distance + asked` independent symbols a sequence; each of the last `asked` asks for the one `distance` before.

    A model that does not see so far back can but guess.
    """

    def __init__(self, distance: int, asked: int, symbols: int) -> None:
        self.distance, self.asked = distance, asked
        self.n_answers = self.vocab_size = symbols

    def batch(self, seed: int, part: Part, number: int, sequences: int) -> Batch:
        random = generator("copying", self.distance, seed, part, number)
        tokens = torch.randint(self.n_answers, (sequences, self.distance + self.asked), generator=random)
        answers, distances = torch.full_like(tokens, NOT_ASKED), torch.zeros_like(tokens)
        answers[:, self.distance :] = tokens[:, : self.asked]
        distances[:, self.distance :] = self.distance
        return Batch(tokens, answers, distances)
