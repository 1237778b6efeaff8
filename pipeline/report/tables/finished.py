"""The finished runs of a model, and what its tables show of them: means over seeds, with their intervals."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts.current import read_clocks, read_curves, read_diverged, read_metrics
from pipeline.artifacts.records import Clock, Curve, Diverged, Metrics
from pipeline.base import paths
from pipeline.claims.intervals import Estimate, estimate
from pipeline.params.schema import Params


@dataclass(frozen=True)
class Run:
    """All that is known of one run."""

    curve: Curve
    clock: Clock
    metrics: Metrics

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """Of the curve, of the clock and of the metrics."""
        run = self.curve.dataset, self.curve.model, self.curve.seed
        return paths.curve(*run), paths.clock(*run), paths.metrics(*run)


def finished_runs(params: Params, dataset: str, model: str | None) -> list[Run]:
    """The runs that were trained and evaluated."""
    if model is None:
        return []
    clocks = {clock.seed: clock for clock in read_clocks(params, dataset, model)}
    metrics = {found.seed: found for found in read_metrics(params, dataset, model)}
    curves = read_curves(params, dataset, model)
    return [Run(c, clocks[c.seed], metrics[c.seed]) for c in curves if c.seed in clocks and c.seed in metrics]


def ended_early(params: Params) -> list[Diverged]:
    """All trainings that came to no end, since their loss was not finite."""
    return [end for dataset, model in params.runs() for end in read_diverged(params, dataset, model)]


def ended_early_notes(params: Params) -> list[str]:
    """A note that names them; none where there are none."""
    named = [f"{end.dataset} {end.model} seed {end.seed} in step {end.step:,}" for end in ended_early(params)]
    if not named:
        return []
    return [f"In no number above, since the loss was not finite and the training ended: {'; '.join(named)}."]


def estimates(runs: list[Run]) -> dict[str, Estimate]:
    """By split and metric, as in `validation_loss`; a split that some run has not is left out."""
    if not runs:
        return {}
    values: dict[str, list[float | None]] = {}
    for split in ("validation", "test"):
        if not all(split in run.metrics.splits for run in runs):
            continue
        for key in ("loss", "perplexity", "token_loss", "token_perplexity", "bits_per_byte", "word_perplexity"):
            values[f"{split}_{key}"] = [getattr(run.metrics.splits[split], key) for run in runs]
    return {key: estimate(numbers) for key, numbers in values.items()}
