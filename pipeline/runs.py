"""The results that the grid names and that were made with what params.yaml says now: all that tables may show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pipeline import paths
from pipeline.errors import UserError
from pipeline.params import Grid, Params
from pipeline.results import Clock, Curve, Metrics, RunResult, ScalingResult, TimingResult, read_result

Run = TypeVar("Run", bound=RunResult)


def read_curves(params: Params, dataset: str, model: str) -> list[Curve]:
    """The finished runs of one model on one data set, in the order of the grid's seeds."""
    curves = _read(paths.curve, Curve, params.grid, dataset, model)
    return [curve for curve in curves if is_current(curve, params)]


def read_clocks(params: Params, dataset: str, model: str) -> list[Clock]:
    """What the clock said during those runs."""
    seeds = {curve.seed for curve in read_curves(params, dataset, model)}
    return [clock for clock in _read(paths.clock, Clock, params.grid, dataset, model) if clock.seed in seeds]


def read_metrics(params: Params, dataset: str, model: str) -> list[Metrics]:
    """What the weights of those runs are worth, as far as they were evaluated."""
    seeds = {curve.seed for curve in read_curves(params, dataset, model)}
    return [metrics for metrics in _read(paths.metrics, Metrics, params.grid, dataset, model) if metrics.seed in seeds]


def read_timing(params: Params) -> TimingResult | None:
    """The step times of the present models."""
    timing = read_result(paths.TIMING, TimingResult)
    if timing is None or timing.batch_size != params.train.batch_size:
        return None
    current = all(times.entry == params.models[name].model_dump() for name, times in timing.models.items())
    return timing if current else None


def read_scaling(params: Params, model: str) -> ScalingResult | None:
    """The measurement of one block of a model."""
    if model not in params.grid.scaling_models:
        return None
    scaling = read_result(paths.scaling(model), ScalingResult)
    return scaling if scaling and scaling.entry == params.models[model].model_dump() else None


def left_out_notes(params: Params) -> list[str]:
    """A note that names the runs whose results are there but were made with other parameters."""
    grid = params.grid
    trained = [(d, m) for d in grid.datasets for m in grid.models]
    ablations = [(d, m) for d in grid.ablation_datasets for m in grid.ablation_models]
    curves = [curve for run in trained + ablations for curve in _read(paths.curve, Curve, grid, *run)]
    names = [f"{c.dataset} {c.model} seed {c.seed}" for c in curves if not is_current(c, params)]
    return [f"Left out, made with other parameters than params.yaml has now: {', '.join(names)}."] if names else []


def is_current(curve: Curve, params: Params) -> bool:
    """Whether a run was made with the model and the protocol that params.yaml has now."""
    return curve.entry == params.models[curve.model].model_dump() and curve.train == params.train.model_dump()


def in_grid(grid: Grid, dataset: str, model: str) -> bool:
    """Whether the grid names runs of this model on this data set."""
    trained = dataset in grid.datasets and model in grid.models
    return trained or (dataset in grid.ablation_datasets and model in grid.ablation_models)


def merged(ours: list[str], theirs: dict[str, Any]) -> list[str]:
    """Names of the grid in its order, then those that only the paper has."""
    return [*ours, *(name for name in theirs if name not in ours)]


def _read(path_of: Callable[[str, str, int], Path], kind: type[Run], grid: Grid, dataset: str, model: str) -> list[Run]:
    """Raises UserError for a file that says it is another run's."""
    found = []
    for seed in grid.seeds if in_grid(grid, dataset, model) else []:
        path = path_of(dataset, model, seed)
        result = read_result(path, kind)
        if result is None:
            continue
        if (result.dataset, result.model, result.seed) != (dataset, model, seed):
            says = f"{result.dataset} {result.model} seed {result.seed}"
            raise UserError(f"{path} says that it is of {says}: restore it from git, or make it anew with `dvc repro`")
        found.append(result)
    return found
