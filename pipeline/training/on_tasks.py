"""Training on a task whose answers are known: fresh batches, losses where something is asked, an early end."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gam import LanguageModel
from gam.config import ModelConfig
from gam.ops.cross_entropy import linear_cross_entropy
from pipeline.base.errors import UserError
from pipeline.data.tasks.case import Batch, Case
from pipeline.machine.precision import forward_in
from pipeline.params.models import Precision
from pipeline.params.protocols import Train
from pipeline.params.recall import Task, Training
from pipeline.training.protocol import make_optimiser, seeded_model, update

CHECKED = 4
"""A look at the accuracy takes so many batches' worth of sequences."""


@dataclass(frozen=True)
class Job:
    """One training."""

    case: Case
    config: ModelConfig
    precision: Precision
    training: Training
    task: Task
    rate: float
    """Peak of the learning rate."""
    seed: int

    def protocol(self) -> Train:
        """The same as settings of the published protocol, which has one rate and counts epochs."""
        shared = self.training.model_dump(include=set(Train.model_fields))
        return Train(epochs=1, batch_size=self.task.batch_size, learning_rate=self.rate, **shared)


class TaskState:
    """Where a training is. Starts at the beginning."""

    def __init__(self, job: Job, device: torch.device) -> None:
        self.job = job
        self.settings = job.protocol()
        self.model = seeded_model(job.config, job.seed, device)
        if not job.case.embeddings_learn:
            self.model.token_embedding.requires_grad_(False)
            self.model.pos_embedding.requires_grad_(False)
        self.optimiser = make_optimiser(self.model, self.settings)
        self.steps = 0
        self.accuracy = 0.0
        """In the last look."""

    @property
    def is_over(self) -> bool:
        """Whether the task is learned, or all steps are made."""
        return self.accuracy >= self.job.training.stop_at or self.steps >= self.job.task.steps


def train_on_task(state: TaskState, on_step: Callable[[Tensor], None]) -> None:
    """Go on from `state` to the end. After the warm-up the learning rate stays, so that no step depends on how many may
    follow. `on_step` gets the loss of each step, when the step is all done.

    Raises UserError at a look at the accuracy where the loss is not finite.
    """
    job, model, device = state.job, state.model, next(state.model.parameters()).device
    check = _on(job.case.batch(job.seed, "check", 0, CHECKED * job.task.batch_size), device)
    model.train()
    while not state.is_over:
        batch = _on(job.case.batch(job.seed, "train", state.steps, job.task.batch_size), device)
        with forward_in(job.precision, device):
            x = model.hidden(batch.tokens)[batch.asked]
            loss = linear_cross_entropy(x, model.head.weight[: job.case.n_answers], batch.answers[batch.asked])
        rate = job.rate * min(1.0, (state.steps + 1) / (1 + state.settings.warmup_steps))
        update(model, state.optimiser, loss, rate, state.settings)
        state.steps += 1
        if state.steps % job.training.check_every == 0 or state.steps == job.task.steps:
            if not math.isfinite(loss.item()):
                raise UserError(
                    f"the loss is {loss.item()} in step {state.steps} at the learning rate {job.rate}: "
                    "lower recall.training.learning_rates"
                )
            state.accuracy = answered(model, check, job.case.n_answers, job.precision).double().mean().item()
            model.train()
        on_step(loss.detach())


@torch.no_grad()
def answered(model: LanguageModel, batch: Batch, n_answers: int, precision: Precision) -> Tensor:
    """For each question, in reading order, whether the most likely of the answers is the right one."""
    model.eval()
    with forward_in(precision, batch.tokens.device):
        scores = model.hidden(batch.tokens)[batch.asked] @ model.head.weight[:n_answers].T
    return scores.argmax(dim=-1) == batch.answers[batch.asked]


def score_by_distance(model: LanguageModel, job: Job) -> dict[int, tuple[int, int]]:
    """Questions and right answers by the distance of what is asked for, over sequences that no training sees."""
    asked: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for batch in job.case.test(job.seed, job.training.queries):
        here = _on(batch, next(model.parameters()).device)
        distances = here.distances[here.asked]
        asked.update(distances.tolist())
        right.update(distances[answered(model, here, job.case.n_answers, job.precision)].tolist())
    return {distance: (asked[distance], right[distance]) for distance in sorted(asked)}


def _on(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.tokens.to(device), batch.answers.to(device), batch.distances.to(device))
