"""The typed view of published.yaml."""

from pathlib import Path

from pydantic import PositiveFloat, PositiveInt, ValidationError

from pipeline.base.errors import UserError
from pipeline.params.fields import Section
from pipeline.params.models import Role
from pipeline.params.reading import read_yaml

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


class Claim(Section):
    """What the paper claims."""

    claim: str
    states: str
    """The size of the effect that it states, shown and never judged."""


class ScalingRow(Section):
    """One model's part of a row of the paper's Table 2; null for both where it ran out of memory."""

    length: PositiveInt
    """Tokens."""
    milliseconds: PositiveFloat | None
    peak_mib: PositiveFloat | None


class Published(Section):
    """What the paper prints, by data set and by the part that a model plays."""

    names: dict[Role, str]
    claims: dict[str, Claim]
    main: dict[str, dict[Role, MainRow]]
    scaling: dict[Role, list[ScalingRow]]
    """By model alone."""
    ablation: dict[str, dict[Role, AblationRow]]


def load_published() -> Published:
    """Read published.yaml. Raises UserError where it was damaged."""
    try:
        return Published.model_validate(read_yaml(FILE))
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}; restore it from git") from None
