"""Weights on disk, under the published names, the tied matrix once."""

from pathlib import Path

from gam import LanguageModel
from pipeline.artifacts.tensors import DamagedError, read_tensors, write_tensors
from pipeline.base.errors import UserError


def save_weights(model: LanguageModel, path: Path) -> str:
    """Write the model's parameters to `path`, atomically; returns their hash."""
    return write_tensors(path, dict(model.named_parameters()))


def load_weights(model: LanguageModel, path: Path) -> str:
    """Read `path` into the model and return the weights' hash.

    Raises UserError where it is missing, damaged, or of another configuration.
    """
    try:
        tensors, _, checksum = read_tensors(path)
        model.load_published(tensors)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: train the model with `dvc repro`, or fetch it with `dvc pull`") from None
    except DamagedError as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run `dvc repro`") from None
    except ValueError as error:
        raise UserError(
            f"{path} does not fit its entry in params.yaml: {error}; run `dvc repro` to train anew"
        ) from None
    return checksum
