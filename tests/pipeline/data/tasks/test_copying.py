"""Copying: what is asked for is the symbol so many tokens back."""

import torch

from pipeline.data.tasks.case import NOT_ASKED
from pipeline.data.tasks.copying import CopyingCase


def test_the_answer_is_the_symbol_so_many_tokens_back() -> None:
    batch = CopyingCase(distance=5, asked=3, symbols=7).batch(0, "train", 0, sequences=40)
    assert batch.tokens.shape == (40, 8)
    assert set(batch.tokens.flatten().tolist()) == set(range(7))
    for tokens, answers, distances in zip(batch.tokens, batch.answers, batch.distances, strict=True):
        assert answers[:5].tolist() == [NOT_ASKED] * 5
        assert [tokens[at - 5] for at in (5, 6, 7)] == answers[5:].tolist()
        assert distances.tolist() == [0] * 5 + [5] * 3


def test_batches_follow_from_seed_part_and_number() -> None:
    case = CopyingCase(distance=2, asked=9, symbols=16)
    same, *others = [
        case.batch(*of, sequences=4).tokens
        for of in ((0, "train", 3), (1, "train", 3), (0, "check", 3), (0, "test", 3), (0, "train", 4))
    ]
    torch.manual_seed(5)
    assert torch.equal(same, case.batch(0, "train", 3, sequences=4).tokens)
    assert not any(torch.equal(same, other) for other in others)


def test_the_test_has_the_questions_that_it_must() -> None:
    batches = list(CopyingCase(distance=2, asked=3, symbols=16).test(0, queries=1000))
    assert [int(batch.asked.sum()) for batch in batches] == [768, 768]
    assert not torch.equal(batches[0].tokens, batches[1].tokens)
