"""How a run is trained now, by params.yaml and by the learning rate that was found for it."""

from hashlib import sha256
from typing import Any

from pipeline.artifacts.records import TuningResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params.protocols import Train
from pipeline.params.schema import Params


def settings_of(params: Params, dataset: str, model: str) -> Train | None:
    """The protocol of a run, with its learning rate; None where that is still to be found."""
    protocol, own = params.protocol(dataset, model), params.models[model].learning_rate
    if protocol is None:
        return params.train if own is None else params.train.model_copy(update={"learning_rate": own})
    if own is not None:
        return protocol.at(own)
    tuning = read_tuning(params, dataset, model)
    return protocol.at(tuning.best.learning_rate) if tuning else None


def recorded_settings(params: Params, dataset: str, model: str, settings: Train) -> dict[str, Any]:
    """The same as it stands in a run's results."""
    protocol = params.protocol(dataset, model)
    if protocol is None:
        return params.train.model_dump()
    return protocol.model_dump() | {"learning_rate": settings.learning_rate}


def read_tuning(params: Params, dataset: str, model: str) -> TuningResult | None:
    """What learning rates are worth for a model, where that was found out with what params.yaml says now.

    Raises UserError for a file that says it is another model's.
    """
    path = paths.tuning(dataset, model)
    tuning = read_result(path, TuningResult)
    if tuning and (tuning.dataset, tuning.model) != (dataset, model):
        raise UserError(f"{path} says that it is of {tuning.dataset} {tuning.model}: make it anew with `dvc repro`")
    return tuning if tuning and _is_current(tuning, params) else None


def fingerprint_sha256(model: str) -> str | None:
    """Hash of what a model and its training compute now; None where the stage `fingerprint` has not run."""
    try:
        return sha256(paths.training_fingerprint(model).read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _is_current(tuning: TuningResult, params: Params) -> bool:
    protocol = params.protocol(tuning.dataset, tuning.model)
    now = (
        params.datasets[tuning.dataset].what(),
        params.models[tuning.model].as_written(),
        protocol.model_dump() if protocol else None,
        params.tuning.model_dump(),
        fingerprint_sha256(tuning.model),
    )
    return (tuning.data, tuning.entry, tuning.protocol, tuning.tuning, tuning.fingerprint) == now
