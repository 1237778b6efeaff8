"""The typed view of published.yaml."""

from pathlib import Path

from pydantic import PositiveFloat, ValidationError

from pipeline.errors import UserError
from pipeline.params import Section, read_yaml

FILE = Path(__file__).with_name("published.yaml")


class MainRow(Section):
    """A row of the paper's Table 1."""

    parameters_millions: PositiveFloat
    epoch_seconds: PositiveFloat
    loss: PositiveFloat
    perplexity: PositiveFloat


class AblationRow(Section):
    """A row of the paper's Table 3."""

    parameters_millions: PositiveFloat
    best_perplexity: PositiveFloat


class Published(Section):
    """What the paper prints, by data set and model."""

    names: dict[str, str]
    main: dict[str, dict[str, MainRow]]
    ablation: dict[str, dict[str, AblationRow]]


def load_published() -> Published:
    """Read published.yaml. Raises UserError where it was damaged."""
    try:
        return Published.model_validate(read_yaml(FILE))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}; restore it from git") from None
