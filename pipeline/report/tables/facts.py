"""How many facts a model holds in its weights: GAM against the feed-forward network alone, at equal size."""

from typing import Any

from pipeline.base import paths
from pipeline.claims.recall import facts_held
from pipeline.params.schema import Params
from pipeline.report.published import Published
from pipeline.report.recalled import labels, recalled
from pipeline.report.tables.layout import NOT_RUN, Column, Group, Quantity, Table, made, with_interval
from pipeline.report.tables.tasks import SPREAD, accuracy_cell, results_of, training_notes


def facts_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the differences for the summary."""
    models = params.recall.facts_models
    names = labels(params, published, models)
    *_, shown = recalled(params)
    differences = {held.pairs: held.difference for held in facts_held(params)}
    rows = []
    for pairs in params.recall.facts.pairs:
        files = [paths.recall("facts", model) for model in models]
        cells = [
            made(accuracy_cell(shown.accuracies[model].get((pairs, pairs))), [file])
            for model, file in zip(models, files, strict=True)
        ]
        difference = with_interval(differences[pairs], 3, "+") if pairs in differences else NOT_RUN
        rows.append([f"{pairs:,}", *cells, made(difference, files)])
    results = results_of(params, "facts")
    sizes = [f"{names[result.model]} {result.block_parameters:,}" for result in results]
    notes = [
        "A fixed table of random keys and values; the share of its keys whose value a model says. Embeddings stay "
        f"random, so that facts stand in the blocks alone. {SPREAD}",
        *([f"Learned values in the blocks: {', '.join(sizes)}."] if sizes else []),
        "Difference: accuracy of GAM less that of the feed-forward network alone, with the 95 % t interval over seeds; "
        "one seed gives both the same table.",
        *training_notes(params, results, "facts"),
    ]
    columns = [*(Column(Quantity(names[model])) for model in models), Column(Quantity("GAM − FFN [95 %]"))]
    groups = [Group(f"{shown.title} (chance {shown.chance:.4g})", rows)]
    summary = {str(pairs): difference.mean for pairs, difference in differences.items()}
    return Table("facts", "Facts held in weights", "Task", "Facts", columns, groups, notes), summary
