"""Whether GAM recalls more than its convolutions carry, and whether its memory holds more facts than a wider network.

The convolutions carry n_layer * (kernel_size - 1) + 1 tokens, the current one included. That a model recalls nothing
from further back counts only where the test could have shown it: the model must recall what is near, and a model that
sees everything must recall it all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from gam.config import GAMConfig
from pipeline.artifacts.recall import AtDistance, RecallResult, read_recall, share_right
from pipeline.base import paths
from pipeline.claims.intervals import Estimate, estimate
from pipeline.params.recall import TaskName
from pipeline.params.schema import Params

MARGIN = 0.02
"""Accuracy up to this far from chance is chance."""
FEWEST_QUERIES = 10_000
"""Questions about what is out of reach that a training must have been asked."""
NEAR = 0.9
"""Accuracy in copying over at most half of the reach from which on the model has learned the task."""
FAR = 0.95
"""Accuracy of the Transformer, at each distance, from which on the task can be learned."""

RecallVerdict = Literal["not run", "no valid test", "reproduced", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Beyond:
    """What a GAM recalls from beyond the reach of its convolutions, in one task."""

    task: TaskName
    model: str
    verdict: RecallVerdict
    reach: int
    """Tokens that the convolutions carry, the current one included."""
    chance: float | None = None
    lowest: float | None = None
    """Accuracy beyond the reach: over all trainings, the lowest one."""
    highest: float | None = None
    queries: int = 0
    """Questions beyond the reach, all trainings together."""
    near: float | None = None
    """Lowest accuracy in copying over at most half of the reach; None where that was not run."""
    transformer: float | None = None
    """The Transformer's lowest accuracy at any distance; None where that was not run."""
    rival: str | None = None
    """The entry of that Transformer."""
    n: int = 0
    """Seeds."""


@dataclass(frozen=True)
class FactsHeld:
    """Accuracy of GAM minus that of the wider feed-forward network, on tables of one size, seed by seed."""

    pairs: int
    gam: float
    """Mean over seeds."""
    ffn: float
    difference: Estimate
    files: tuple[Path, Path]
    """The results of both."""


def beyond_reach(params: Params, task: TaskName, model: str) -> Beyond:
    """The verdict on "GAM recalls beyond what its convolutions carry", for one GAM and one of the first two tasks.

    reproduced: at some case the accuracy beyond the reach is above chance by more than MARGIN, with every seed.
    contradicted: it is chance in every training, NEAR and FAR hold. no valid test: it is chance, and one of these does
    not hold, or fewer than FEWEST_QUERIES were asked. inconclusive: all else, such as a part of the seeds.
    """
    reach = convolutions_carry(params, model)
    result, copying = read_recall(params, task, model), read_recall(params, "copying", model)
    transformer = next((name for name in params.recall.models if params.models[name].role == "transformer"), None)
    rival = read_recall(params, task, transformer) if transformer else None
    if result is None:
        return Beyond(task, model, "not run", reach)
    first = reach if task == "copying" else reach + 1  # of a pair the value, a token nearer, must be out of reach too
    found = [[accuracy for accuracy, _ in case] for case in _beyond(result, first)]
    asked = [queries for case in _beyond(result, first) for _, queries in case]
    flat = [accuracy for case in found for accuracy in case]
    near = _lowest(copying, reach // 2) if copying else None
    far = _lowest(rival) if rival else None
    chance = result.chance
    verdict: RecallVerdict = "inconclusive"
    if near is None or far is None:
        verdict = "not run"
    elif any(min(case) > chance + MARGIN for case in found):
        verdict = "reproduced"
    elif all(abs(accuracy - chance) <= MARGIN for accuracy in flat):
        is_valid = bool(asked) and min(asked) >= FEWEST_QUERIES and near >= NEAR and far >= FAR
        verdict = "contradicted" if is_valid else "no valid test"
    return Beyond(
        task,
        model,
        verdict,
        reach,
        chance,
        lowest=min(flat, default=None),
        highest=max(flat, default=None),
        queries=sum(asked),
        near=near,
        transformer=far,
        rival=transformer,
        n=len(result.cases[0].runs),
    )


def convolutions_carry(params: Params, model: str) -> int:
    """How many of the last tokens the convolutions of a GAM see, the current one included."""
    config = params.models[model].block_config()
    assert isinstance(config, GAMConfig)
    return config.n_layer * (config.kernel_size - 1) + 1


def facts_held(params: Params) -> list[FactsHeld]:
    """GAM against the feed-forward network alone, by the number of facts; empty where one of them was not run."""
    by_role = {params.models[name].role: read_recall(params, "facts", name) for name in params.recall.facts_models}
    gam, ffn = by_role.get("gam"), by_role.get("ffn_only_wide")
    if gam is None or ffn is None:
        return []
    files = (paths.recall("facts", gam.model), paths.recall("facts", ffn.model))
    held = []
    for ours, theirs in zip(gam.cases, ffn.cases, strict=True):
        pairs = [(one.accuracy, other.accuracy) for one, other in zip(ours.runs, theirs.runs, strict=True)]
        one_mean, other_mean = fmean(one for one, _ in pairs), fmean(other for _, other in pairs)
        difference = estimate([one - other for one, other in pairs])
        held.append(FactsHeld(ours.case, one_mean, other_mean, difference, files))
    return held


def _beyond(result: RecallResult, first: int) -> Iterator[list[tuple[float, int]]]:
    """By case, and in it by training: accuracy and questions at the distance `first` and further."""
    for case in result.cases:
        parts = [[part for part in run.by_distance if part.distance >= first] for run in case.runs]
        if all(parts):
            yield [(share_right(part), sum(at.asked for at in part)) for part in parts]


def _lowest(result: RecallResult, furthest: int | None = None) -> float | None:
    """The lowest accuracy at any distance up to `furthest`, over all trainings; None where there is none."""
    parts: list[AtDistance] = [part for case in result.cases for run in case.runs for part in run.by_distance]
    return min((at.right / at.asked for at in parts if furthest is None or at.distance <= furthest), default=None)
