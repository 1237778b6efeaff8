"""Associative recall: each question's key stands before it, at the distance told, with the value that is the answer."""

import pytest
import torch

from pipeline.data.tasks.associative import AssociativeCase
from pipeline.data.tasks.case import Batch

PAIRS, KEYS, VALUES, LENGTH = 3, 6, 4, 20
BLANK = KEYS + VALUES


@pytest.fixture
def batch() -> Batch:
    return AssociativeCase(LENGTH, PAIRS, KEYS, VALUES).batch(0, "train", 0, sequences=50)


def test_keys_and_values_come_first(batch: Batch) -> None:
    for tokens in batch.tokens.tolist():
        keys, values = tokens[0 : 2 * PAIRS : 2], tokens[1 : 2 * PAIRS : 2]
        assert len(set(keys)) == PAIRS
        assert all(VALUES <= key < BLANK for key in keys)
        assert all(0 <= value < VALUES for value in values)


def test_each_question_is_answered_by_an_earlier_pair(batch: Batch) -> None:
    asked = 0
    for tokens, answers, distances in zip(batch.tokens.tolist(), batch.answers, batch.distances, strict=True):
        for at in range(LENGTH):
            if at < 2 * PAIRS or at % 2:
                assert answers[at] < 0
                assert distances[at] == 0
                assert at < 2 * PAIRS or tokens[at] == BLANK
                continue
            asked += 1
            first = tokens.index(tokens[at])
            assert first < 2 * PAIRS
            assert distances[at] == at - first
            assert answers[at] == tokens[first + 1]
    assert asked == 50 * (LENGTH - 2 * PAIRS) // 2


def test_every_distance_is_asked_for(batch: Batch) -> None:
    assert set(batch.distances[batch.asked].tolist()) == set(range(2, LENGTH - 1, 2))


def test_other_values_tell_nothing_of_one() -> None:
    """Two values of a sequence agree as often as chance has it: drawn without repetition they never would."""
    tokens = AssociativeCase(LENGTH, PAIRS, KEYS, VALUES).batch(0, "train", 0, sequences=4000).tokens
    agree = (tokens[:, 1] == tokens[:, 3]).double().mean().item()
    assert agree == pytest.approx(1 / VALUES, abs=0.03)


def test_no_value_is_seen_after_the_pairs(batch: Batch) -> None:
    assert torch.all(batch.tokens[:, 2 * PAIRS :] >= VALUES)
