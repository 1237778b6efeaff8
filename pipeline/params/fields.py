"""What all sections of params.yaml and of result files are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
"""A name of a data set or model: it becomes part of paths, of stage names and of keys that DVC splits at dots."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
INT64 = 2**63
"""No integer that torch or NumPy counts with reaches it."""
NonNegativeInt = Annotated[int, Field(ge=0, lt=INT64)]
PositiveInt = Annotated[int, Field(gt=0, lt=INT64)]


class Section(BaseModel):
    """No unknown keys, no silent conversions, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def require(holds: bool, message: str) -> None:
    """Raise ValueError with the message, which pydantic reports with the field, where something does not hold."""
    if not holds:
        raise ValueError(message)
