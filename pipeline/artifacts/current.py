"""The results that the families name and that were made with what params.yaml says now: all that tables may show."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline.artifacts import devices
from pipeline.artifacts.inside_records import Inside
from pipeline.artifacts.records import Clock, Curve, Diverged, Metrics, Ngrams, RunResult
from pipeline.artifacts.settings import fingerprint_sha256, recorded_settings, settings_of
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params.schema import Params

LEFT_OUT = "Left out, made with other parameters than params.yaml has now, or by code that computes something else"
REMEDY = "restore it from git, or make it anew with `dvc repro`"

Run = TypeVar("Run", bound=RunResult)
End = TypeVar("End", bound=RunResult | Diverged)


def read_curves(params: Params, dataset: str, model: str) -> list[Curve]:
    """The finished runs of one model on one data set, in the order of its family's seeds."""
    curves = _read(paths.curve, Curve, params, dataset, model)
    return [curve for curve in curves if is_current(curve, params)]


def read_diverged(params: Params, dataset: str, model: str) -> list[Diverged]:
    """The runs of one model on one data set that came to no end, since their loss was not finite."""
    finished = {curve.seed for curve in read_curves(params, dataset, model)}
    ended = _read(paths.diverged, Diverged, params, dataset, model)
    return [end for end in ended if end.seed not in finished and is_current(end, params)]


def read_clocks(params: Params, dataset: str, model: str) -> list[Clock]:
    """What the clock said during those runs."""
    return _of_the_runs(_read(paths.clock, Clock, params, dataset, model), read_curves(params, dataset, model))


def read_metrics(params: Params, dataset: str, model: str) -> list[Metrics]:
    """What the weights of those runs are worth, as far as they were evaluated."""
    return _of_the_runs(_read(paths.metrics, Metrics, params, dataset, model), read_curves(params, dataset, model))


def read_inside(params: Params, dataset: str, model: str) -> list[Inside]:
    """What was seen inside those runs, as far as one has looked."""
    return _of_the_runs(_read(paths.inside, Inside, params, dataset, model), read_curves(params, dataset, model))


def read_ngrams(params: Params, dataset: str) -> Ngrams | None:
    """What counts of its tokens are worth.

    Raises UserError for a file that says it is another data set's.
    """
    path = paths.ngrams(dataset)
    ngrams = read_result(path, Ngrams) if dataset in params.datasets else None
    if ngrams and ngrams.dataset != dataset:
        raise UserError(f"{path} says that it is of {ngrams.dataset}: {REMEDY}")
    return ngrams if ngrams and _counts_are_current(ngrams, params) else None


def left_out_notes(params: Params) -> list[str]:
    """A note that names the results that are there but not shown."""
    names = []
    for dataset, model in params.runs():
        curves = _read(paths.curve, Curve, params, dataset, model)
        seeds = [str(curve.seed) for curve in curves if not is_current(curve, params)]
        names += [f"{dataset} {model} seed {', '.join(seeds)}"] if seeds else []
        for what, path, kind in (("metrics", paths.metrics, Metrics), ("inside", paths.inside, Inside)):
            there = _read(path, kind, params, dataset, model)
            used = {found.seed for found in _of_the_runs(there, curves)} | set(map(int, seeds))
            others = [str(found.seed) for found in there if found.seed not in used]
            names += [f"the {what} of {dataset} {model} seed {', '.join(others)}"] if others else []
    datasets = {dataset: None for dataset, _ in params.runs()}
    names += [
        f"n-grams of {name}" for name in datasets if paths.ngrams(name).exists() and not read_ngrams(params, name)
    ]
    names += devices.left_out(params)
    return [f"{LEFT_OUT}: {'; '.join(names)}."] if names else []


def check_same_data(params: Params) -> None:
    """Raise UserError where two results on one data set come from different tokens: they do not compare."""
    first: dict[str, Curve] = {}
    for dataset, model in params.runs():
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


def is_current(curve: Curve | Diverged, params: Params) -> bool:
    """Whether a run was made with the data, model and protocol of params.yaml, by code that computes the same."""
    settings = settings_of(params, curve.dataset, curve.model)
    now = (
        params.datasets[curve.dataset].what(),
        params.models[curve.model].as_written(),
        recorded_settings(params, curve.dataset, curve.model, settings) if settings else None,
        fingerprint_sha256(curve.model),
    )
    return (curve.data, curve.entry, curve.train, curve.fingerprint) == now


def _counts_are_current(ngrams: Ngrams, params: Params) -> bool:
    now = params.datasets[ngrams.dataset].what(), params.datasets[ngrams.dataset].block_size, params.train.batch_size
    return (ngrams.data, ngrams.block_size, ngrams.batch_size) == now


def _of_the_runs(results: list[Run], curves: list[Curve]) -> list[Run]:
    """The results that belong to the very weights and tokens of those runs."""
    of = {curve.seed: (curve.weights, curve.provenance.data) for curve in curves}
    return [result for result in results if (result.weights, result.provenance.data) == of.get(result.seed)]


def _read(
    path_of: Callable[[str, str, int], Path], kind: type[End], params: Params, dataset: str, model: str
) -> list[End]:
    """Raises UserError for a file that says it is another run's."""
    found = []
    for seed in params.runs().get((dataset, model), []):
        path = path_of(dataset, model, seed)
        result = read_result(path, kind)
        if result is None:
            continue
        if (result.dataset, result.model, result.seed) != (dataset, model, seed):
            says = f"{result.dataset} {result.model} seed {result.seed}"
            raise UserError(f"{path} says that it is of {says}: {REMEDY}")
        found.append(result)
    return found
