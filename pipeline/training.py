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
from pipeline.errors import UserError
from pipeline.metrics import score_blocks
from pipeline.params import Train

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


def make_optimiser(model: LanguageModel, settings: Train) -> torch.optim.AdamW:
    """AdamW on every parameter alike: weight decay falls on norms, biases and embeddings too, as published."""
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(model.parameters(), lr=0.0, betas=betas, weight_decay=settings.weight_decay, fused=True)


def train_step(
    model: LanguageModel, optimiser: torch.optim.Optimizer, batch: Tensor, rate: float, settings: Train, precision: str
) -> Tensor:
    """One update on a batch (B, T + 1) of token ids; returns the loss before it, a scalar that is not waited for."""
    with torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        _, loss = model(batch[:, :-1], batch[:, 1:])
    assert loss is not None
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return loss.detach()


def train_epochs(
    model: LanguageModel,
    train_blocks: np.ndarray,
    validation_blocks: np.ndarray,
    settings: Train,
    seed: int,
    precision: str,
    on_step: OnStep,
) -> Iterator[Epoch]:
    """Train `model` where it is, and yield after each epoch.

    Blocks are (N, block_size + 1) token ids. The order of the training blocks follows from the seed alone, so that
    all models see the same; dropout draws from torch's global generators. Raises UserError after an epoch whose loss
    is not finite.
    """
    device = next(model.parameters()).device
    blocks = torch.from_numpy(train_blocks.astype(np.int32)).to(device)
    optimiser = make_optimiser(model, settings)
    order = torch.Generator().manual_seed(seed)
    steps_per_epoch = math.ceil(len(blocks) / settings.batch_size)
    total_steps = settings.epochs * steps_per_epoch
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        model.train()
        total = torch.zeros((), device=device)
        for at, chosen in enumerate(torch.randperm(len(blocks), generator=order).split(settings.batch_size)):
            batch = blocks[chosen.to(device)].long()
            rate = learning_rate(epoch * steps_per_epoch + at, total_steps, settings)
            loss = train_step(model, optimiser, batch, rate, settings, precision)
            total += loss
            on_step(Step(loss, rate, chosen.numel() * (batch.shape[1] - 1)))
        train_loss = total.item() / steps_per_epoch  # waits for the device
        trained = time.perf_counter()
        validation_loss = score_blocks(model, validation_blocks, settings.batch_size, precision).loss
        if not math.isfinite(train_loss) or not math.isfinite(validation_loss):
            raise UserError(
                f"the loss is not finite in epoch {epoch + 1} (train {train_loss}, validation {validation_loss}): "
                "lower train.learning_rate, or train in float32"
            )
        yield Epoch(
            number=epoch + 1,
            steps=(epoch + 1) * steps_per_epoch,
            train_loss=train_loss,
            validation_loss=validation_loss,
            train_seconds=trained - started,
            validation_seconds=time.perf_counter() - trained,
        )
