"""Accuracies of the tasks of `recall`, put together by distance: what their table and their figure share."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pipeline.artifacts.recall import CaseResult, read_recall, share_right
from pipeline.claims.recall import convolutions_carry
from pipeline.params.recall import TaskName
from pipeline.params.schema import Params
from pipeline.report.groups import member
from pipeline.report.published import Published

Range = tuple[int, int]
"""Distances from and to, in tokens; of facts numbers of pairs."""


@dataclass(frozen=True)
class Recalled:
    """What is shown of one task, or of sequences of one length in it."""

    task: TaskName
    title: str
    chance: float
    """Accuracy of a guess."""
    accuracies: dict[str, dict[Range, list[float]]]
    """By model, then by range, a value for each seed; empty where the model was not run."""

    @property
    def ranges(self) -> list[Range]:
        """Of all models."""
        return sorted({at for found in self.accuracies.values() for at in found})


def recalled(params: Params) -> list[Recalled]:
    """The tasks in the order of params.yaml, facts last."""
    tasks = params.recall
    shown = [_recalled(params, "copying", "Copying", tasks.copying.distances, 1 / tasks.copying.symbols)]
    for length, pairs in zip(tasks.associative.lengths, tasks.associative.pairs, strict=True):
        title = f"Associative recall, T = {length}, {pairs} pairs"
        shown.append(_recalled(params, "associative", title, [length], 1 / tasks.associative.values))
    return [*shown, _recalled(params, "facts", "Facts held in weights", tasks.facts.pairs, 1 / tasks.facts.values)]


def labels(params: Params, published: Published, models: Iterable[str]) -> dict[str, str]:
    """What each model is called; its layers are told where another one has the same block and switches."""
    names = {model: member(params, model).name(published) for model in models}
    return {
        model: f"{name}, {params.models[model].n_layer} layers" if list(names.values()).count(name) > 1 else name
        for model, name in names.items()
    }


def reaches(params: Params) -> dict[str, int]:
    """The tokens that the convolutions of each whole GAM carry, the current one included."""
    gams = [model for model in params.recall.models if params.models[model].role == "gam"]
    return {model: convolutions_carry(params, model) for model in gams}


def _recalled(params: Params, task: TaskName, title: str, cases: list[int], chance: float) -> Recalled:
    accuracies: dict[str, dict[Range, list[float]]] = {}
    for model in params.recall.models_of(task):
        result = read_recall(params, task, model)
        found: dict[Range, list[float]] = {}
        for case in result.cases if result else []:
            if case.case in cases:
                found |= _in_ranges(params, case) if task == "associative" else _as_a_whole(case)
        accuracies[model] = found
    return Recalled(task, title, chance, accuracies)


def _as_a_whole(case: CaseResult) -> dict[Range, list[float]]:
    return {(case.case, case.case): [run.accuracy for run in case.runs]}


def _in_ranges(params: Params, case: CaseResult) -> dict[Range, list[float]]:
    """Ranges that end at powers of two and at the reaches of GAM, and hold only distances that are asked for."""
    asked = [part.distance for part in case.runs[0].by_distance]
    ends = sorted({2**power for power in range(max(asked).bit_length() + 1)} | set(reaches(params).values()))
    found = {}
    for before, end in pairwise([0, *ends]):
        within = [distance for distance in asked if before < distance <= end]
        if within:
            parts = [[part for part in run.by_distance if part.distance in within] for run in case.runs]
            found[within[0], within[-1]] = [share_right(part) for part in parts]
    return found
