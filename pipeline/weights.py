"""Weights on disk: safetensors under the published names, the tied matrix once."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gam import LanguageModel
from pipeline.errors import UserError
from pipeline.files import replacing


def save_weights(model: LanguageModel, path: Path) -> None:
    """Write the model's parameters to `path`, atomically."""
    with replacing(path) as temporary:
        save_file({name: parameter.detach().cpu() for name, parameter in model.named_parameters()}, temporary)


def load_weights(model: LanguageModel, path: Path) -> None:
    """Read `path` into the model. Raises UserError where it is missing, damaged, or of another configuration."""
    try:
        model.load_published(load_file(path))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: train the model with `dvc repro`, or fetch it with `dvc pull`") from None
    except SafetensorError as error:
        raise UserError(f"{path} is damaged ({error}): delete it and run `dvc repro`") from None
    except ValueError as error:
        raise UserError(
            f"{path} does not fit its entry in params.yaml: {error}; run `dvc repro` to train anew"
        ) from None
