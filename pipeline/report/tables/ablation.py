"""The paper's Table 3: the best validation perplexity during training, with and without GAM's parts."""

from typing import Any

from pipeline.artifacts.current import left_out_notes, read_clocks, read_curves, training_seconds
from pipeline.artifacts.records import Clock, Curve, perplexity
from pipeline.base import paths
from pipeline.claims.intervals import estimate
from pipeline.params.schema import Params
from pipeline.report.groups import ablated
from pipeline.report.published import Published
from pipeline.report.tables.layout import (
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    interval_note,
    machine_notes,
    made,
    parameters_cell,
    published_and_reproduced,
    published_cell,
    reproduced_cell,
)


def ablation_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the same numbers by data set and model for the summary."""
    summary: dict[str, Any] = {}
    groups, provenances = [], []
    clocks: list[Clock] = []
    for comparison in ablated(params, published.ablation):
        rows, dataset = [], comparison.dataset
        papers = published.ablation.get(dataset, {}) if comparison.is_papers else {}
        for member in comparison.members:
            curves = read_curves(params, dataset, member.model) if member.model else []
            provenances += [stamp for curve in curves for stamp in curve.made_by]
            clocks += read_clocks(params, dataset, member.model) if member.model else []
            best = estimate([_perplexities(curve)[0] for curve in curves]) if curves else None
            last = estimate([_perplexities(curve)[1] for curve in curves]) if curves else None
            if best and last:
                summary.setdefault(dataset, {})[member.model] = {
                    "n": best.n,
                    "best_validation_perplexity": best.finite_mean,
                    "last_validation_perplexity": last.finite_mean,
                }
            theirs = papers.get(member.role)
            files = [paths.curve(curve.dataset, curve.model, curve.seed) for curve in curves]
            cells = [
                published_cell(theirs, "parameters_millions", 1),
                made(parameters_cell(curves), files),
                published_cell(theirs, "best_perplexity", 2),
                made(reproduced_cell(best, 2), files),
                made(reproduced_cell(last, 2), files),
                str(len(curves)),
            ]
            rows.append([member.name(published), *cells])
        groups.append(Group(comparison.label, rows))
    columns = [
        *published_and_reproduced(Quantity("Parameters", "M"), Quantity("Best val. PPL")),
        Column(Quantity("Last val. PPL"), "reproduced"),
        Column(Quantity("n")),
    ]
    notes = [
        interval_note(),
        "Best: the lowest of the validations after each epoch, as the paper has it; last: after the last epoch.",
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(clocks)),
        *left_out_notes(params),
        *machine_notes(provenances),
    ]
    title = "Ablation: published beside reproduced (the paper's Table 3)"
    return Table("ablation", title, "Data set", "Model", columns, groups, notes), summary


def _perplexities(curve: Curve) -> tuple[float | None, float | None]:
    """Best and last validation perplexity."""
    losses = [epoch.validation_loss for epoch in curve.epochs]
    return perplexity(min(losses)), perplexity(losses[-1])
