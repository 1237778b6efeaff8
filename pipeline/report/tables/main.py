"""The paper's Table 1: every model after its last epoch."""

from statistics import median
from typing import Any

from pipeline.artifacts.current import (
    left_out_notes,
    read_ngrams,
    training_seconds,
)
from pipeline.artifacts.records import NGRAMS, Clock, SplitMetrics
from pipeline.base import paths
from pipeline.claims.comparisons import ComparedRuns
from pipeline.claims.differences import lower_loss
from pipeline.claims.intervals import estimate
from pipeline.params.schema import Params
from pipeline.report.groups import Member, compared
from pipeline.report.published import Published
from pipeline.report.tables.finished import Run, ended_early, ended_early_notes, estimates, finished_runs
from pipeline.report.tables.layout import (
    NOT_PUBLISHED,
    NOT_RUN,
    Bold,
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    count_notes,
    interval_note,
    machine_notes,
    made,
    parameters_cell,
    published_and_reproduced,
    published_cell,
    reproduced_cell,
)

PARAMETERS = Quantity("Parameters", "M")
SECONDS = Quantity("Epoch", "s")
LOSS = Quantity("Val. loss", "nats/token")
PERPLEXITY = Quantity("Val. PPL")
SUMMARISED = (
    "validation_loss",
    "validation_perplexity",
    "validation_bits_per_byte",
    "validation_word_perplexity",
    "test_loss",
    "test_perplexity",
)
REPRODUCED_LOSSES = (5, 7)
"""The cells of a row with our loss and perplexity."""


def main_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the same numbers by data set and model for the summary."""
    summary: dict[str, Any] = {}
    groups, counted = [], []
    provenances = [end.provenance for end in ended_early(params)]
    clocks: list[Clock] = []
    for comparison in compared(params, published.main):
        rows, dataset = [], comparison.dataset
        papers = published.main.get(dataset, {}) if comparison.is_papers else {}
        finished = {each: finished_runs(params, dataset, each.model) for each in comparison.members}
        best = _best(finished, ComparedRuns(params, dataset, comparison.family))
        for member, runs in finished.items():
            clocks += [run.clock for run in runs]
            provenances += [stamp for run in runs for stamp in (*run.curve.made_by, run.metrics.provenance)]
            ours, seconds = estimates(runs), _epoch_seconds(runs)
            if runs:
                numbers = {key: ours[key].finite_mean for key in SUMMARISED if key in ours}
                summary.setdefault(dataset, {})[member.model] = {"n": len(runs), "epoch_seconds": seconds} | numbers
            theirs = papers.get(member.role)
            curve_files, clock_files, metric_files = (
                zip(*(run.files for run in runs), strict=True) if runs else [()] * 3
            )
            cells = [
                published_cell(theirs, "parameters_millions", 1),
                made(parameters_cell([run.curve for run in runs]), curve_files),
                published_cell(theirs, "epoch_seconds", 1),
                NOT_RUN if seconds is None else made(f"{seconds:.1f}", clock_files),
                published_cell(theirs, "loss", 4),
                made(reproduced_cell(ours.get("validation_loss"), 4), metric_files),
                published_cell(theirs, "perplexity", 2),
                made(reproduced_cell(ours.get("validation_perplexity"), 2), metric_files),
                str(len(runs)),
            ]
            if member == best:
                cells = [Bold(cell) if at in REPRODUCED_LOSSES else cell for at, cell in enumerate(cells)]
            rows.append([member.name(published), *cells])
        if dataset in params.families[comparison.family].datasets:
            ngrams = read_ngrams(params, dataset)
            counted += [ngrams.provenance] if ngrams else []
            for name in NGRAMS:
                found = ngrams.models[name]["validation"] if ngrams and name in ngrams.models else None
                cells = [made(cell, [paths.ngrams(dataset)]) for cell in _count_cells(found)]
                rows.append([f"{name.capitalize()} count", *cells])
                if found:
                    numbers = {"validation_loss": found.loss, "validation_perplexity": found.perplexity}
                    summary.setdefault(dataset, {})[name] = numbers
        groups.append(Group(comparison.label, rows))
    columns = [*published_and_reproduced(PARAMETERS, SECONDS, LOSS, PERPLEXITY), Column(Quantity("n"))]
    notes = [
        interval_note(),
        "Loss: mean over batches of the batch mean, after the last epoch; PPL = exp(loss), its interval follows the "
        "spread of PPL over seeds.",
        f"Bold: loss below every other model's by more than {params.claims.margin_nats} nats, each reproduced by the "
        "rule of the claims (docs/statistics.md).",
        "Epoch: wall clock of the training part, median over all epochs and seeds; shown and never judged, since runs "
        "may have shared their machine. Published on one NVIDIA T4.",
        "Unigram, bigram, trigram: counts of the train tokens (docs/statistics.md), scored in the same blocks and "
        "batches as the models: what the frequency of a token, the one token before it, or the two before it, is "
        "worth.",
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(clocks)),
        *ended_early_notes(params),
        *left_out_notes(params),
        *machine_notes(provenances),
        *count_notes(counted),
    ]
    title = "Main results: published beside reproduced (the paper's Table 1)"
    return Table("main", title, "Data set", "Model", columns, groups, notes), summary


def _count_cells(found: SplitMetrics | None) -> list[str]:
    """A count has one result, and neither parameters nor epochs that would compare."""
    loss = reproduced_cell(estimate([found.loss]) if found else None, 4)
    perplexity = reproduced_cell(estimate([found.perplexity]) if found else None, 2)
    return [*[NOT_PUBLISHED] * 5, loss, NOT_PUBLISHED, perplexity, NOT_PUBLISHED]


def _best(finished: dict[Member, list[Run]], compared: ComparedRuns) -> Member | None:
    """The model whose loss is below every other's by the rule of the claims."""
    there = [member for member, runs in finished.items() if runs]
    for ours in there:
        rivals = [theirs.role for theirs in there if theirs != ours]
        found = [lower_loss(compared, ours.role, theirs, "last", "unigram") for theirs in rivals]
        if found and all(each.verdict == "reproduced" for each in found):
            return ours
    return None


def _epoch_seconds(runs: list[Run]) -> float | None:
    """The median: a run that was stopped for a while, or shared its machine, does not move it."""
    seconds = [epoch.train_seconds for run in runs for epoch in run.clock.epochs]
    return median(seconds) if seconds else None
