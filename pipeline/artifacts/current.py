"""The results that the grids name and that were made with what params.yaml says now: all that tables may show."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from pipeline.artifacts.records import (
    Clock,
    Curve,
    Metrics,
    Ngrams,
    RunResult,
    ScalingResult,
    TimingResult,
    read_result,
)
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params.schema import Params, Role

LEFT_OUT = "Left out, made with other parameters than params.yaml has now, or by code that computes something else"
REMEDY = "restore it from git, or make it anew with `dvc repro`"

ABLATIONS: tuple[Role, ...] = ("sum_fusion", "global_only", "local_only")

Run = TypeVar("Run", bound=RunResult)


@dataclass(frozen=True)
class Comparison:
    """Models that stand together in a table or a figure."""

    dataset: str
    models: list[str]
    n: int
    """Runs that each of them is to have."""
    grid: str = ""
    """Which of cpu_grids they are of; empty for the paper's."""

    @property
    def label(self) -> str:
        return f"{self.dataset}, {self.grid}" if self.grid else self.dataset


def read_curves(params: Params, dataset: str, model: str) -> list[Curve]:
    """The finished runs of one model on one data set, in the order of its grid's seeds."""
    curves = _read(paths.curve, Curve, params, dataset, model)
    return [curve for curve in curves if is_current(curve, params)]


def read_clocks(params: Params, dataset: str, model: str) -> list[Clock]:
    """What the clock said during those runs."""
    return _of_the_runs(_read(paths.clock, Clock, params, dataset, model), read_curves(params, dataset, model))


def read_metrics(params: Params, dataset: str, model: str) -> list[Metrics]:
    """What the weights of those runs are worth, as far as they were evaluated."""
    return _of_the_runs(_read(paths.metrics, Metrics, params, dataset, model), read_curves(params, dataset, model))


def read_ngrams(params: Params, dataset: str, models: Iterable[str] = ()) -> Ngrams | None:
    """What counts of its tokens are worth, in blocks as large as those of the models.

    Raises UserError for a file that says it is another data set's.
    """
    path = paths.ngrams(dataset)
    ngrams = read_result(path, Ngrams) if dataset in params.datasets else None
    if ngrams and ngrams.dataset != dataset:
        raise UserError(f"{path} says that it is of {ngrams.dataset}: {REMEDY}")
    if ngrams is None or not _counts_are_current(ngrams, params):
        return None
    return ngrams if all(block_size(params, model) == ngrams.block_size for model in models) else None


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
    names = []
    for dataset, model in runs(params):
        curves = _read(paths.curve, Curve, params, dataset, model)
        seeds = [str(curve.seed) for curve in curves if not is_current(curve, params)]
        metrics = {found.seed for found in _read(paths.metrics, Metrics, params, dataset, model)}
        used = {found.seed for found in read_metrics(params, dataset, model)}
        names += [f"{dataset} {model} seed {', '.join(seeds)}"] if seeds else []
        others = sorted(metrics - used - set(map(int, seeds)))
        names += [f"the metrics of {dataset} {model} seed {', '.join(map(str, others))}"] if others else []
    datasets = {dataset: None for dataset, _ in runs(params)}
    names += [
        f"n-grams of {name}" for name in datasets if paths.ngrams(name).exists() and not read_ngrams(params, name)
    ]
    names += ["timing"] if paths.TIMING.exists() and read_timing(params) is None else []
    unlike = [m for m in params.grid.scaling_models if paths.scaling(m).exists() and read_scaling(params, m) is None]
    names += [f"scaling of {model}" for model in unlike]
    return [f"{LEFT_OUT}: {'; '.join(names)}."] if names else []


def check_same_data(params: Params) -> None:
    """Raise UserError where two results on one data set come from different tokens: they do not compare."""
    first: dict[str, Curve] = {}
    for dataset, model in runs(params):
        for curve in read_curves(params, dataset, model):
            other = first.setdefault(dataset, curve)
            if curve.provenance.data != other.provenance.data:
                one, two = (paths.curve(dataset, run.model, run.seed) for run in (other, curve))
                raise UserError(f"{one} and {two} come from different tokens: make both anew with `dvc repro`")
    for dataset, curve in first.items():
        ngrams = read_ngrams(params, dataset)
        if ngrams and ngrams.provenance.data != curve.provenance.data:
            run = paths.curve(dataset, curve.model, curve.seed)
            raise UserError(
                f"{paths.ngrams(dataset)} and {run} come from different tokens: make both anew with `dvc repro`"
            )


def training_seconds(clocks: list[Clock]) -> float:
    """What those runs cost, validation included."""
    return sum(epoch.train_seconds + epoch.validation_seconds for clock in clocks for epoch in clock.epochs)


def runs(params: Params) -> dict[tuple[str, str], list[int]]:
    """The seeds of all runs that a grid names, by data set and model."""
    return {run: grid.seeds for grid in params.grids().values() for run in grid.runs()}


def compared_on_cpu(params: Params) -> list[Comparison]:
    """The models of each grid beside the paper's, as the paper's Table 1 has them: without ablations."""
    ablated = params.claims.playing(*ABLATIONS)
    return _of_cpu_grids(params, lambda model: model not in ablated)


def ablated_on_cpu(params: Params) -> list[Comparison]:
    """The GAMs of each grid beside the paper's that has ablations, and these, as the paper's Table 3 has them."""
    ablated, either = params.claims.playing(*ABLATIONS), params.claims.playing("gam", *ABLATIONS)
    return [c for c in _of_cpu_grids(params, either.__contains__) if not ablated.isdisjoint(c.models)]


def _of_cpu_grids(params: Params, belongs: Callable[[str], bool]) -> list[Comparison]:
    return [
        Comparison(dataset, list(filter(belongs, grid.models)), len(grid.seeds), name)
        for name, grid in params.cpu_grids
        for dataset in grid.datasets
    ]


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


def block_size(params: Params, model: str) -> int:
    """Tokens that a model sees at once."""
    return params.models[model].config(vocab_size=5).block_size


def merged(ours: list[str], theirs: dict[str, Any]) -> list[str]:
    """Names of the grid in its order, then those that only the paper has."""
    return [*ours, *(name for name in theirs if name not in ours)]


def _counts_are_current(ngrams: Ngrams, params: Params) -> bool:
    now = params.datasets[ngrams.dataset].what(), block_size(params, "gam"), params.train.batch_size
    return (ngrams.data, ngrams.block_size, ngrams.batch_size) == now


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


def _read(
    path_of: Callable[[str, str, int], Path], kind: type[Run], params: Params, dataset: str, model: str
) -> list[Run]:
    """Raises UserError for a file that says it is another run's."""
    found = []
    for seed in runs(params).get((dataset, model), []):
        path = path_of(dataset, model, seed)
        result = read_result(path, kind)
        if result is None:
            continue
        if (result.dataset, result.model, result.seed) != (dataset, model, seed):
            says = f"{result.dataset} {result.model} seed {result.seed}"
            raise UserError(f"{path} says that it is of {says}: {REMEDY}")
        found.append(result)
    return found
