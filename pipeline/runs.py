"""The results that the grid names and that were made with what params.yaml says now: all that tables may show."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pipeline import paths
from pipeline.errors import UserError
from pipeline.params import Grid, Params
from pipeline.results import Clock, Curve, Metrics, RunResult, ScalingResult, TimingResult, read_result

LEFT_OUT = "Left out, made with other parameters than params.yaml has now, or by code that computes something else"

Run = TypeVar("Run", bound=RunResult)


def read_curves(params: Params, dataset: str, model: str) -> list[Curve]:
    """The finished runs of one model on one data set, in the order of the grid's seeds."""
    curves = _read(paths.curve, Curve, params.grid, dataset, model)
    return [curve for curve in curves if is_current(curve, params)]


def read_clocks(params: Params, dataset: str, model: str) -> list[Clock]:
    """What the clock said during those runs."""
    return _of_the_runs(_read(paths.clock, Clock, params.grid, dataset, model), read_curves(params, dataset, model))


def read_metrics(params: Params, dataset: str, model: str) -> list[Metrics]:
    """What the weights of those runs are worth, as far as they were evaluated."""
    return _of_the_runs(_read(paths.metrics, Metrics, params.grid, dataset, model), read_curves(params, dataset, model))


def read_timing(params: Params) -> TimingResult | None:
    """The step times of the present models."""
    timing = read_result(paths.TIMING, TimingResult)
    return timing if timing and _times_are_current(timing, params) else None


def read_scaling(params: Params, model: str) -> ScalingResult | None:
    """The measurement of one block of a model."""
    if model not in params.grid.scaling_models:
        return None
    scaling = read_result(paths.scaling(model), ScalingResult)
    return scaling if scaling and _scaling_is_current(scaling, model, params) else None


def left_out_notes(params: Params) -> list[str]:
    """A note that names the results that are there but not shown."""
    grid = params.grid
    names = []
    for dataset, model in runs(grid):
        curves = _read(paths.curve, Curve, grid, dataset, model)
        seeds = [str(curve.seed) for curve in curves if not is_current(curve, params)]
        metrics = {found.seed for found in _read(paths.metrics, Metrics, grid, dataset, model)}
        used = {found.seed for found in read_metrics(params, dataset, model)}
        names += [f"{dataset} {model} seed {', '.join(seeds)}"] if seeds else []
        others = sorted(metrics - used - set(map(int, seeds)))
        names += [f"the metrics of {dataset} {model} seed {', '.join(map(str, others))}"] if others else []
    names += ["timing"] if paths.TIMING.exists() and read_timing(params) is None else []
    unlike = [m for m in grid.scaling_models if paths.scaling(m).exists() and read_scaling(params, m) is None]
    names += [f"scaling of {model}" for model in unlike]
    return [f"{LEFT_OUT}: {'; '.join(names)}."] if names else []


def check_same_data(params: Params) -> None:
    """Raise UserError where two runs on one data set were trained on different tokens: they do not compare."""
    first: dict[str, Curve] = {}
    for dataset, model in runs(params.grid):
        for curve in read_curves(params, dataset, model):
            other = first.setdefault(dataset, curve)
            if curve.provenance.data != other.provenance.data:
                one, two = (paths.curve(dataset, run.model, run.seed) for run in (other, curve))
                raise UserError(f"{one} and {two} come from different tokens: make both anew with `dvc repro`")


def training_seconds(clocks: list[Clock]) -> float:
    """What those runs cost, validation included."""
    return sum(epoch.train_seconds + epoch.validation_seconds for clock in clocks for epoch in clock.epochs)


def runs(grid: Grid) -> list[tuple[str, str]]:
    """Data set and model of all runs that the grid names, the ablations last."""
    trained = [(dataset, model) for dataset in grid.datasets for model in grid.models]
    return trained + [(dataset, model) for dataset in grid.ablation_datasets for model in grid.ablation_models]


def is_current(curve: Curve, params: Params) -> bool:
    """Whether a run was made with the data, model and protocol of params.yaml, by code that computes the same."""
    now = (
        params.datasets[curve.dataset].what(),
        params.models[curve.model].model_dump(),
        params.train.model_dump(),
        fingerprint_sha256(curve.model),
    )
    return (curve.data, curve.entry, curve.train, curve.fingerprint) == now


def fingerprint_sha256(model: str) -> str | None:
    """Hash of what a model and its training compute now; None where the stage `fingerprint` has not run."""
    try:
        return sha256(paths.training_fingerprint(model).read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def merged(ours: list[str], theirs: dict[str, Any]) -> list[str]:
    """Names of the grid in its order, then those that only the paper has."""
    return [*ours, *(name for name in theirs if name not in ours)]


def _times_are_current(timing: TimingResult, params: Params) -> bool:
    same_steps = timing.batch_size == params.train.batch_size and timing.timing == params.timing
    return same_steps and all(times.entry == params.models[name].model_dump() for name, times in timing.models.items())


def _scaling_is_current(scaling: ScalingResult, model: str, params: Params) -> bool:
    now = params.scaling
    return (scaling.entry, scaling.on, scaling.warmup, scaling.repetitions, scaling.cap_gib) == (
        params.models[model].model_dump(),
        now.on(scaling.provenance.device_type),
        now.warmup,
        now.repetitions,
        now.cap_gib,
    )


def _of_the_runs(results: list[Run], curves: list[Curve]) -> list[Run]:
    """The results that belong to the very weights and tokens of those runs."""
    of = {curve.seed: (curve.weights, curve.provenance.data) for curve in curves}
    return [result for result in results if (result.weights, result.provenance.data) == of.get(result.seed)]


def _read(path_of: Callable[[str, str, int], Path], kind: type[Run], grid: Grid, dataset: str, model: str) -> list[Run]:
    """Raises UserError for a file that says it is another run's."""
    found = []
    for seed in grid.seeds if (dataset, model) in runs(grid) else []:
        path = path_of(dataset, model, seed)
        result = read_result(path, kind)
        if result is None:
            continue
        if (result.dataset, result.model, result.seed) != (dataset, model, seed):
            says = f"{result.dataset} {result.model} seed {result.seed}"
            raise UserError(f"{path} says that it is of {says}: restore it from git, or make it anew with `dvc repro`")
        found.append(result)
    return found
