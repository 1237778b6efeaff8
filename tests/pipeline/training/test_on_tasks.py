"""Training on tasks: a model that copies is right everywhere, one that sees k tokens guesses beyond them."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from gam import LanguageModel
from gam.config import GAMConfig
from pipeline.base.errors import UserError
from pipeline.data.tasks.associative import AssociativeCase
from pipeline.data.tasks.case import Case
from pipeline.data.tasks.copying import CopyingCase
from pipeline.data.tasks.facts import FactsCase
from pipeline.params.recall import Copying, Training
from pipeline.training.on_tasks import Job, TaskState, score_by_distance, train_on_task

TRAINING = Training(
    learning_rates=[0.003, 0.01], tuning_seed=1, seeds=[0], threads=1, check_every=5, stop_at=0.99, queries=4000,
    warmup_steps=2, beta1=0.9, beta2=0.95, weight_decay=0.1, clip_norm=1.0,
)  # fmt: skip
COPYING = Copying(distances=[1], tuned=[1], symbols=8, asked=8, batch_size=8, steps=200)


def job(case: Case, rate: float = 0.01, **changes: Any) -> Job:
    fields = {"block_size": 32, "d_model": 16, "n_layer": 1, "dropout": 0.0, "n_slot": 8, "kernel_size": 3}
    config = GAMConfig(vocab_size=case.vocab_size, init="normal", init_std=0.25, **(fields | changes))  # type: ignore[arg-type]
    return Job(case, config, "float32", TRAINING, COPYING, rate, seed=0)


class HandMade(nn.Module):
    """Says what a rule finds: its hidden state is the one-hot of the answer, and its head the identity."""

    def __init__(self, rule: Callable[[Tensor], Tensor], vocab_size: int) -> None:
        super().__init__()
        self.rule = rule
        self.head = nn.Linear(vocab_size, vocab_size, bias=False)
        nn.init.eye_(self.head.weight)

    def hidden(self, tokens: Tensor) -> Tensor:
        return nn.functional.one_hot(self.rule(tokens), self.head.out_features).float()


def scores(case: Case, rule: Callable[[Tensor], Tensor]) -> dict[int, float]:
    model = cast(LanguageModel, HandMade(rule, case.vocab_size))
    found = score_by_distance(model, job(case))
    return {distance: right / asked for distance, (asked, right) in found.items()}


def look_up(tokens: Tensor, window: int) -> Tensor:
    """What stands after the first place of each token, as far as both lie among the last `window` tokens; else 0."""
    said = torch.zeros_like(tokens)
    for row, sequence in enumerate(tokens.tolist()):
        for at, token in enumerate(sequence):
            first = sequence.index(token)
            if at - window < first < at:
                said[row, at] = sequence[first + 1]
    return said


@pytest.mark.parametrize("distance", [1, 2, 5, 16])
def test_a_model_that_copies(distance: int) -> None:
    case = CopyingCase(distance, asked=4, symbols=8)
    assert scores(case, lambda tokens: tokens.roll(distance, dims=1)) == {distance: 1.0}


def test_a_model_that_looks_up_everything() -> None:
    found = scores(AssociativeCase(16, pairs=3, keys=5, values=4), lambda tokens: look_up(tokens, 16))
    assert found == dict.fromkeys(range(2, 15, 2), 1.0)


def test_a_model_that_sees_some_tokens_guesses_beyond_them() -> None:
    found = scores(AssociativeCase(24, pairs=3, keys=5, values=4), lambda tokens: look_up(tokens, 9))
    assert {distance: share == 1.0 for distance, share in found.items()} == {d: d <= 8 for d in range(2, 23, 2)}
    assert all(share == pytest.approx(0.25, abs=0.05) for distance, share in found.items() if distance > 8)


def test_convolutions_learn_what_is_in_reach_and_no_more() -> None:
    """One layer with three taps sees two tokens back."""
    reached: dict[int, float] = {}
    for distance in (2, 3):
        state = TaskState(job(CopyingCase(distance, asked=8, symbols=8)), torch.device("cpu"))
        train_on_task(state, lambda _loss: None)
        assert (state.steps < COPYING.steps) == (distance == 2)
        ((asked, right),) = score_by_distance(state.model, state.job).values()
        reached[distance] = right / asked
    assert reached[2] > 0.95
    assert reached[3] == pytest.approx(1 / 8, abs=0.03)


def test_facts_are_learned_in_the_blocks() -> None:
    state = TaskState(job(FactsCase(pairs=12, values=4)), torch.device("cpu"))
    before = {name: value.clone() for name, value in state.model.named_parameters()}
    train_on_task(state, lambda _loss: None)
    assert score_by_distance(state.model, state.job) == {0: (12, 12)}
    same = {name for name, value in state.model.named_parameters() if torch.equal(value, before[name])}
    assert same == {"token_embedding.weight", "pos_embedding.weight"}


def test_the_rate_rises_and_stays() -> None:
    state, rates = TaskState(job(CopyingCase(4, asked=8, symbols=8)), torch.device("cpu")), []
    train_on_task(state, lambda _loss: rates.append(state.optimiser.param_groups[0]["lr"]))
    assert rates[:3] == pytest.approx([0.01 / 3, 0.02 / 3, 0.01])
    assert rates[2:] == [0.01] * 198


def test_a_loss_that_is_not_finite() -> None:
    state = TaskState(job(CopyingCase(1, asked=8, symbols=8), rate=0.002), torch.device("cpu"))
    with torch.no_grad():
        state.model.ln_f.weight.fill_(float("nan"))
    with pytest.raises(
        UserError, match=r"the loss is nan in step 5 at the learning rate 0\.002: lower recall\.training"
    ):
        train_on_task(state, lambda _loss: None)
