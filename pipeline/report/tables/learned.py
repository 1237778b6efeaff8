"""Every model of the families that train by a protocol of their own, in units that compare across vocabularies too."""

from typing import Any

from pipeline.artifacts.current import left_out_notes, read_ngrams, training_seconds
from pipeline.artifacts.records import Clock, Ngrams, SplitMetrics
from pipeline.base import paths
from pipeline.claims.intervals import estimate
from pipeline.params.schema import Params
from pipeline.report.groups import member
from pipeline.report.published import Published
from pipeline.report.tables.finished import Run, ended_early_notes, estimates, finished_runs
from pipeline.report.tables.layout import (
    NOT_PUBLISHED,
    NOT_RUN,
    Column,
    Group,
    Quantity,
    Table,
    cost_notes,
    count_notes,
    machine_notes,
    made,
    reproduced_cell,
)

MEASURES = {
    "validation_loss": (Quantity("Val. loss", "nats/token"), 4),
    "validation_bits_per_byte": (Quantity("Val. bits per byte"), 4),
    "validation_word_perplexity": (Quantity("Val. word PPL"), 2),
    "test_loss": (Quantity("Test loss", "nats/token"), 4),
}
"""The columns, and their decimals."""
NO_FAMILY = "no family has a protocol of its own"


def learned_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the same numbers by data set and model for the summary."""
    summary: dict[str, Any] = {}
    groups, provenances, counted = [], [], []
    clocks: list[Clock] = []
    for name, family in params.families.items():
        for dataset in family.datasets if family.protocol else []:
            rows = []
            for model in [model for text, model in family.runs() if text == dataset]:
                runs, label = finished_runs(params, dataset, model), member(params, model).name(published)
                clocks += [run.clock for run in runs]
                provenances += [stamp for run in runs for stamp in (*run.curve.made_by, run.metrics.provenance)]
                ours = estimates(runs)
                curves, _, metrics = zip(*(run.files for run in runs), strict=True) if runs else [()] * 3
                size, rate = _size_and_rate(runs)
                measured = [made(_cell(ours, key), metrics) for key in MEASURES]
                origin = [paths.tuning(dataset, model)] if params.is_tuned(dataset, model) else curves
                rows.append([label, made(size, curves), made(rate, origin), *measured, str(len(runs))])
                if runs:
                    numbers = {key: ours[key].finite_mean for key in MEASURES if key in ours}
                    summary.setdefault(dataset, {})[model] = {"n": len(runs)} | numbers
            ngrams = read_ngrams(params, dataset)
            counted += [ngrams.provenance] if ngrams else []
            rows += _counts(ngrams)
            groups.append(Group(f"{dataset}, {name}", rows))
    groups = groups or [Group(NOT_PUBLISHED, [[NO_FAMILY, *[NOT_PUBLISHED] * (len(MEASURES) + 3)]])]
    columns = [
        Column(Quantity("Parameters", "M")),
        Column(Quantity("Learning rate")),
        *(Column(quantity) for quantity, _ in MEASURES.values()),
        Column(Quantity("n")),
    ]
    notes = [
        "Mean over n seeds ± half the width of its two-sided 95 % t interval (from n = 3 on), after the last epoch.",
        "Learning rate: the one that the stage tune found for the model, on a seed that no run has (figure tuning). "
        "Where params.yaml gives a model its own rate, that one.",
        "Bits per byte, and PPL per word, charge every token of the text. They compare models with other tokenizers.",
        "Counts: of the train tokens, each with one token of context more (docs/statistics.md). Below the bigram, a "
        "model knows more than the token before tells.",
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(clocks)),
        *ended_early_notes(params),
        *left_out_notes(params),
        *machine_notes(provenances),
        *count_notes(counted),
    ]
    title = "Small models that learn, by protocols of their own (not in the paper)"
    return Table("learned", title, "Data set", "Model", columns, groups, notes), summary


def _size_and_rate(runs: list[Run]) -> tuple[str, str]:
    """Which all seeds share."""
    if not runs:
        return NOT_RUN, NOT_RUN
    curve = runs[0].curve
    return f"{curve.parameters / 1e6:.3f}", f"{curve.train['learning_rate']:g}"


def _cell(ours: dict[str, Any], key: str) -> str:
    return reproduced_cell(ours.get(key), MEASURES[key][1])


def _counts(ngrams: Ngrams | None) -> list[list[str]]:
    """A row for each count."""
    if ngrams is None:
        return []
    found = []
    for name, splits in ngrams.models.items():
        ours = {
            f"{split}_{key}": estimate([value])
            for split, metrics in splits.items()
            for key, value in _values(metrics).items()
        }
        cells = [made(_cell(ours, key), [paths.ngrams(ngrams.dataset)]) for key in MEASURES]
        found.append([f"{name.capitalize()} count", NOT_PUBLISHED, NOT_PUBLISHED, *cells, NOT_PUBLISHED])
    return found


def _values(metrics: SplitMetrics) -> dict[str, float | None]:
    values: dict[str, float | None] = metrics.model_dump(exclude={"targets"})
    return values
