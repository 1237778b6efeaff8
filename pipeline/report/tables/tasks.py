"""What the tables of recall and of facts share: their cells, and the notes on how their models were trained."""

from collections.abc import Sequence

from pipeline.artifacts.current import LEFT_OUT
from pipeline.artifacts.recall import RecallResult, read_recall, recall_left_out
from pipeline.params.recall import TaskName
from pipeline.params.schema import Params
from pipeline.report.tables.layout import NOT_RUN, machine_notes

SPREAD = "Where seeds differ: the lowest and the highest of them."


def accuracy_cell(values: Sequence[float] | None) -> str:
    """One number where all seeds round to it, else the lowest and the highest."""
    if not values:
        return NOT_RUN
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"


def results_of(params: Params, *tasks: TaskName) -> list[RecallResult]:
    """What was run of these tasks."""
    found = [read_recall(params, task, model) for task in tasks for model in params.recall.models_of(task)]
    return [result for result in found if result]


def training_notes(params: Params, results: list[RecallResult], *tasks: TaskName) -> list[str]:
    """How models were trained, what was left out, and on which machine."""
    training = params.recall.training
    rates = ", ".join(f"{rate:g}" for rate in training.learning_rates)
    steps = ", ".join(f"{params.recall.task(task).steps:,} ({task})" for task in tasks)
    left_out = recall_left_out(params, *tasks)
    return [
        f"Learning rate out of {rates}, chosen on seed {training.tuning_seed}; then {len(training.seeds)} seeds. A "
        f"training ends when {training.stop_at:.1%} of some questions are answered rightly, at the latest after these "
        f"steps: {steps}.",
        *([f"{LEFT_OUT}: {'; '.join(left_out)}."] if left_out else []),
        *machine_notes([result.provenance for result in results]),
    ]
