"""Facts: one table for each seed, which every batch asks about."""

import torch

from pipeline.data.tasks.facts import FactsCase

CASE = FactsCase(pairs=30, values=5)


def told(seed: int) -> dict[int, int]:
    """The table, as the test after a training asks for it."""
    batches = list(CASE.test(seed, queries=10_000))
    keys = torch.cat([batch.tokens for batch in batches]).flatten().tolist()
    answers = torch.cat([batch.answers for batch in batches]).flatten().tolist()
    assert len(keys) == 30
    return dict(zip(keys, answers, strict=True))


def test_the_whole_table_is_asked_for_once() -> None:
    table = told(0)
    assert sorted(table) == list(range(5, 35))
    assert set(table.values()) == set(range(5))
    assert table != told(1)


def test_training_asks_about_the_same_table() -> None:
    for number in range(3):
        batch = CASE.batch(0, "train", number, sequences=16)
        assert batch.tokens.shape == (16, 1)
        assert [told(0)[key] for key in batch.tokens.flatten().tolist()] == batch.answers.flatten().tolist()


def test_embeddings_do_not_learn() -> None:
    assert not CASE.embeddings_learn
