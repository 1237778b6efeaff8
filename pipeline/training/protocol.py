"""Training by the published protocol (arXiv:2509.00605, section 4): what the stages train and fingerprint share."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gam import LanguageModel
from gam.config import ModelConfig
from pipeline.base.errors import UserError
from pipeline.evaluation.metrics import score_blocks
from pipeline.machine.gauge import gauge_of
from pipeline.machine.precision import forward_in
from pipeline.machine.processes import ALONE, Processes
from pipeline.machine.stopwatch import Stopwatch
from pipeline.params.models import Precision
from pipeline.params.protocols import Train
from pipeline.training.replica import Replica


class NotFiniteError(UserError):
    """A loss that is no number, or infinite."""

    def __init__(self, what: str, step: int, epoch: int) -> None:
        remedy = "lower train.learning_rate or the model's own learning_rate, or train in float32 where you did not"
        super().__init__(f"{what}: {remedy}")
        self.step = step
        """The first with such a loss; for a validation loss the one before it. Counted from 1."""
        self.epoch = epoch
        """Counted from 1."""


OnStep = Callable[["Step"], None]


@dataclass(frozen=True)
class Step:
    """One update of the weights."""

    loss: Tensor
    """Before the update; a scalar on the device, not yet waited for."""
    learning_rate: float
    tokens: int


@dataclass(frozen=True)
class Epoch:
    """One pass over the training blocks, and the validation after it."""

    number: int
    """Counted from 1."""
    steps: int
    """Steps made so far, all epochs together."""
    train_loss: float
    """Mean of the steps' losses, in nats per token, dropout included."""
    validation_loss: float
    """Published definition: mean over batches of the batch mean."""
    train_seconds: float
    validation_seconds: float


def learning_rate(step: int, total_steps: int, settings: Train) -> float:
    """Linear from 0 during the warm-up, then half a cosine that would reach 0 one step after the last."""
    if step < settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, total_steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def seeded_model(config: ModelConfig, seed: int, device: torch.device) -> LanguageModel:
    """A new model whose initial weights follow from the seed, as does all dropout from here on.

    It is initialised on the CPU: the same weights for every device.
    """
    torch.manual_seed(seed)
    return LanguageModel(config).to(device)


def compile_blocks(model: LanguageModel) -> None:
    """Have torch.compile fuse what lies between a block's products; on CUDA a block is replayed as one graph.

    In training alone: `score_blocks` runs blocks as they are.
    """
    mode = "reduce-overhead" if next(model.parameters()).is_cuda else None
    for block in model.blocks:
        block.compile(mode=mode, dynamic=False)


def make_optimiser(model: LanguageModel, settings: Train) -> torch.optim.AdamW:
    """AdamW on every parameter alike: weight decay falls on norms, biases and embeddings too, as published."""
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(model.parameters(), lr=0.0, betas=betas, weight_decay=settings.weight_decay, fused=True)


def train_step(
    model: LanguageModel | Replica,
    optimiser: torch.optim.Optimizer,
    batch: Tensor,
    rate: float,
    settings: Train,
    precision: Precision,
) -> Tensor:
    """One update on a batch (B, T + 1) of token ids; returns the loss before it, a scalar that is not waited for."""
    with forward_in(precision, batch.device):
        loss = model.loss(batch[:, :-1], batch[:, 1:])
    update(model, optimiser, loss, rate, settings)
    return loss.detach()


def update(
    model: LanguageModel | Replica, optimiser: torch.optim.Optimizer, loss: Tensor, rate: float, settings: Train
) -> None:
    """Change the weights by the gradients of a loss, clipped."""
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()


class RunState:
    """Where a run is: all that the rest of it follows from, beside its data and settings and torch's generators.

    Starts at the beginning; the model is trained where it is.
    """

    def __init__(self, model: LanguageModel, n_blocks: int, settings: Train) -> None:
        self.model = model
        self.optimiser = make_optimiser(model, settings)
        self.steps_per_epoch = math.ceil(n_blocks / settings.batch_size)
        self.epochs: list[Epoch] = []
        """Those that are finished."""
        self.steps_in_epoch = 0
        """Made in the epoch in progress; all of them while it is validated."""
        device = next(model.parameters()).device
        self.watch = Stopwatch(gauge_of(device))
        """Seconds spent on them."""
        self.losses = torch.zeros(self.steps_per_epoch, device=device)
        """Theirs, as far as they are made."""

    @property
    def steps(self) -> int:
        """Made so far, all epochs together."""
        return len(self.epochs) * self.steps_per_epoch + self.steps_in_epoch

    def check_finite(self) -> None:
        """Raise NotFiniteError naming the first step of this epoch whose loss is not finite. Waits for the device."""
        made = self.losses[: self.steps_in_epoch]
        wrong = (~made.isfinite()).nonzero()
        if len(wrong):
            at = int(wrong[0])
            step, epoch = len(self.epochs) * self.steps_per_epoch + at + 1, len(self.epochs) + 1
            what = f"the loss is {made[at].item()} in step {step} (epoch {epoch}, batch {at + 1})"
            raise NotFiniteError(what, step, epoch)


def block_order(seed: int, n_blocks: int, epoch: int) -> Tensor:
    """The order of the training blocks in an epoch, counted from 0; the same for all models."""
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(n_blocks, generator=generator) for _ in range(epoch + 1)]
    return orders[-1]


def on_device(blocks: np.ndarray, device: torch.device) -> Tensor:
    """Token ids as int64. A GPU gets them while it is at work, and is not waited for: that takes pinned memory."""
    ids = torch.from_numpy(blocks.astype(np.int64))
    return (ids.pin_memory() if device.type == "cuda" else ids).to(device, non_blocking=True)


def train_epochs(
    state: RunState,
    train_blocks: np.ndarray,
    validation_blocks: np.ndarray,
    settings: Train,
    seed: int,
    precision: Precision,
    on_step: OnStep,
    processes: Processes = ALONE,
) -> Iterator[Epoch]:
    """Go on from `state` to the end, and yield after each epoch. All `processes` call it, with the same.

    Blocks are (N, block_size + 1) token ids, read a batch at a time; dropout draws from torch's global generators.
    `on_step` sees the state after each step. Raises NotFiniteError in or after an epoch with a loss that is not finite.
    """
    model, device = state.model, state.losses.device
    learner = model if processes.count == 1 else Replica(model, processes)
    total_steps = settings.epochs * state.steps_per_epoch
    while len(state.epochs) < settings.epochs:
        state.watch.start()
        model.train()
        batches = block_order(seed, len(train_blocks), len(state.epochs)).split(settings.batch_size)
        for chosen in batches[state.steps_in_epoch :]:
            batch = on_device(train_blocks[chosen.numpy()], device)
            rate = learning_rate(state.steps, total_steps, settings)
            loss = processes.mean(train_step(learner, state.optimiser, batch, rate, settings, precision))
            state.losses[state.steps_in_epoch] = loss
            state.steps_in_epoch += 1
            on_step(Step(loss, rate, chosen.numel() * (batch.shape[1] - 1)))
        state.check_finite()  # waits for the device
        train_loss = state.losses.double().mean().item()
        state.watch.stop()
        started = time.perf_counter()
        # In every process: attention as published draws here too, and the generators must stay alike.
        validation_loss = score_blocks(model, validation_blocks, settings.batch_size, precision).loss
        if not math.isfinite(validation_loss):
            number = len(state.epochs) + 1
            raise NotFiniteError(f"the validation loss is {validation_loss} after epoch {number}", state.steps, number)
        epoch = Epoch(
            number=len(state.epochs) + 1,
            steps=state.steps,
            train_loss=train_loss,
            validation_loss=validation_loss,
            train_seconds=state.watch.seconds,
            validation_seconds=time.perf_counter() - started,
        )
        state.epochs.append(epoch)
        state.steps_in_epoch, state.watch.seconds = 0, 0.0
        yield epoch
