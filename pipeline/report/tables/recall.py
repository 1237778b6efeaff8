"""What models recall, and from how far: accuracy by distance."""

from typing import Any

from pipeline.base import paths
from pipeline.claims.recall import FAR, FEWEST_QUERIES, MARGIN, NEAR, Beyond, beyond_reach
from pipeline.params.schema import Params
from pipeline.report.published import Published
from pipeline.report.recalled import Range, labels, reaches, recalled
from pipeline.report.tables.layout import NOT_RUN, Column, Group, Quantity, Span, Table, Text, made
from pipeline.report.tables.tasks import SPREAD, accuracy_cell, results_of, training_notes
from pipeline.report.wording import plain


def recall_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the verdicts with their numbers for the summary."""
    models = params.recall.models
    names = labels(params, published, models)
    groups: list[Group] = []
    for shown in recalled(params):
        if shown.task == "facts":
            continue
        ranges: list[Range | None] = [*shown.ranges] or [None]
        rows = [
            [
                _range(at),
                *(
                    made(accuracy_cell(at and shown.accuracies[model].get(at)), [paths.recall(shown.task, model)])
                    for model in models
                ),
            ]
            for at in ranges
        ]
        groups.append(Group(f"{shown.title} (chance {shown.chance:.4g})", rows))
    gams = reaches(params)
    judged = [beyond_reach(params, task, model) for model in gams for task in ("copying", "associative")]
    summary: dict[str, Any] = {}
    for each in judged:
        numbers = {"verdict": each.verdict, "lowest_out_of_reach": each.lowest, "highest_out_of_reach": each.highest}
        summary.setdefault(each.task, {})[each.model] = numbers
    notes = [
        "The share of questions that a model answers rightly, by the distance in tokens between a question and what it "
        f"asks for. {SPREAD}",
        *(
            f"The convolutions of {names[model]}: {reach} tokens, the asking one included. What stands {reach} or more "
            "tokens before it is out of reach."
            for model, reach in gams.items()
        ),
        *(plain(recall_text(each, names)) for each in judged),
        f"Rule for “recalls beyond its reach”. Reproduced: at some distance, or at some T, the accuracy out of reach "
        f"is above chance by more than {MARGIN:g} with every seed. Contradicted: it is chance ± {MARGIN:g} in every "
        f"training, over at least {FEWEST_QUERIES:,} questions, while copying over at most half of the reach is at "
        f"least {NEAR:g} and the Transformer at least {FAR:g} at each distance. No valid test: it is chance, but one "
        "of these three does not hold.",
        *training_notes(params, results_of(params, "copying", "associative"), "copying", "associative"),
    ]
    columns = [Column(Quantity(names[model])) for model in models]
    return Table("recall", "What models recall, and from how far", "Task", "Distance", columns, groups, notes), summary


def _range(at: Range | None) -> str:
    if at is None:
        return "all"
    return str(at[0]) if at[0] == at[1] else f"{at[0]}–{at[1]}"


def recall_text(each: Beyond, names: dict[str, str]) -> Text:
    """A verdict with its numbers."""
    task = "associative recall" if each.task == "associative" else each.task
    about = f"{names[each.model]}, recalls beyond its reach in {task}: {each.verdict}"
    if each.lowest is None or each.highest is None:
        return [Span(f"{about}.")]
    return [
        Span(f"{about}; accuracy out of reach "),
        Span(f"{each.lowest:.3f} to {each.highest:.3f}", files=(paths.recall(each.task, each.model),)),
        Span(f" over {each.queries:,} questions and {each.n} seeds (chance {each.chance:.3f}); "),
        Span("accuracy of copying over at most half of the reach: at least "),
        _accuracy(each.near, "copying", each.model),
        Span("; accuracy of the Transformer at each distance: at least "),
        _accuracy(each.transformer, each.task, each.rival),
        Span("."),
    ]


def _accuracy(value: float | None, task: str, model: str | None) -> Span:
    if value is None or model is None:
        return Span(NOT_RUN)
    return Span(f"{value:.3f}", files=(paths.recall(task, model),))
