"""How well the models of a family predict beside n-gram counts of the same tokens: what they learned of the text."""

from dataclasses import dataclass

from pipeline.claims.comparisons import ComparedRuns, loss
from pipeline.claims.intervals import estimate
from pipeline.params.models import Role


@dataclass(frozen=True)
class Baselines:
    """Validation losses in nats per token, after the last epoch."""

    best: Role
    loss: float
    """The lowest mean of a model."""
    counts: dict[str, float]
    """By name of the count."""
    steps: int
    """Of a training."""


def baselines(runs: ComparedRuns) -> Baselines | None:
    """None where nothing was trained, or the text has not been counted."""
    curves = {role: list(curves.values()) for role, curves in runs.curves.items() if curves}
    if runs.ngrams is None or not curves:
        return None
    losses = {role: estimate([loss(curve, "last") for curve in seeds]).mean for role, seeds in curves.items()}
    best = min(losses, key=lambda role: losses[role])
    return Baselines(
        best=best,
        loss=losses[best],
        counts={name: splits["validation"].loss for name, splits in runs.ngrams.models.items()},
        steps=max(seeds[0].epochs[-1].steps for seeds in curves.values()),
    )
