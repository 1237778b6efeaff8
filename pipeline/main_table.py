"""The paper's Table 1: every model after its last epoch."""

from statistics import mean
from typing import Any

from pipeline import paths
from pipeline.params import Params
from pipeline.published import Published
from pipeline.results import Clock, Curve, Metrics, read_result
from pipeline.statistics import Estimate, estimate
from pipeline.table import (
    Column,
    Group,
    Quantity,
    Table,
    interval_note,
    machine_notes,
    published_and_reproduced,
    published_cell,
    reproduced_cell,
)

PARAMETERS = Quantity("Parameters", "M")
SECONDS = Quantity("Epoch", "s")
LOSS = Quantity("Val. loss", "nats/token")
PERPLEXITY = Quantity("Val. PPL")


def main_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the same numbers by data set and model for the summary."""
    grid, paper = params.grid, published.main
    summary: dict[str, Any] = {}
    groups, provenances = [], []
    for dataset in merged(grid.datasets, paper):
        rows = []
        for model in merged(grid.models if dataset in grid.datasets else [], paper.get(dataset, {})):
            runs = _finished_runs(dataset, model, grid.seeds if dataset in grid.datasets else [])
            provenances += [metrics.provenance for _, _, metrics in runs]
            ours = _estimates(runs)
            if runs:
                numbers = {key: value.mean for key, value in ours.items()}
                summary.setdefault(dataset, {})[model] = {"n": len(runs)} | numbers
            theirs = paper.get(dataset, {}).get(model)
            cells = [
                published_cell(theirs, "parameters_millions", 1),
                reproduced_cell(ours.get("parameters_millions"), 1),
                published_cell(theirs, "epoch_seconds", 1),
                reproduced_cell(ours.get("epoch_seconds"), 1),
                published_cell(theirs, "loss", 4),
                reproduced_cell(ours.get("validation_loss"), 4),
                published_cell(theirs, "perplexity", 2),
                reproduced_cell(ours.get("validation_perplexity"), 2),
                str(len(runs)),
            ]
            rows.append([published.names.get(model, model), *cells])
        groups.append(Group(dataset, rows))
    columns = [*published_and_reproduced(PARAMETERS, SECONDS, LOSS, PERPLEXITY), Column(Quantity("n"))]
    notes = [
        interval_note(),
        "Loss: mean over batches of the batch mean, after the last epoch; PPL = exp(loss), its interval follows the "
        "spread of PPL over seeds.",
        "Epoch: wall clock of the training part, shown and never judged, since runs may have shared their machine; "
        "published on one NVIDIA T4.",
        *machine_notes(provenances),
    ]
    title = "Main results: published beside reproduced (the paper's Table 1)"
    return Table("main", title, "Data set", "Model", columns, groups, notes), summary


def merged(ours: list[str], theirs: dict[str, Any]) -> list[str]:
    """Names of the grid in its order, then those that only the paper has."""
    return [*ours, *(name for name in theirs if name not in ours)]


def _finished_runs(dataset: str, model: str, seeds: list[int]) -> list[tuple[Curve, Clock, Metrics]]:
    runs = []
    for seed in seeds:
        curve = read_result(paths.curve(dataset, model, seed), Curve)
        clock = read_result(paths.clock(dataset, model, seed), Clock)
        metrics = read_result(paths.metrics(dataset, model, seed), Metrics)
        if curve and clock and metrics:
            runs.append((curve, clock, metrics))
    return runs


def _estimates(runs: list[tuple[Curve, Clock, Metrics]]) -> dict[str, Estimate]:
    if not runs:
        return {}
    values = {
        "parameters_millions": [curve.parameters / 1e6 for curve, _, _ in runs],
        "epoch_seconds": [mean(epoch.train_seconds for epoch in clock.epochs) for _, clock, _ in runs],
    }
    for split in runs[0][2].splits:
        for key in ("loss", "perplexity", "token_loss", "token_perplexity", "bits_per_byte", "word_perplexity"):
            values[f"{split}_{key}"] = [getattr(metrics.splits[split], key) for _, _, metrics in runs]
    return {key: estimate(numbers) for key, numbers in values.items()}
