"""Result files: how they are written, and how they are read without trusting them."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from pipeline.artifacts.records import Stamped
from pipeline.base.errors import UserError
from pipeline.base.files import CHECKSUM, json_sha256, read_json, write_checked_json

Result = TypeVar("Result", bound=Stamped)


def write_result(path: Path, result: Stamped) -> None:
    """Write a result as JSON, atomically; what it was made with comes last, and a checksum of it all."""
    stamp = {"provenance"}
    values = result.model_dump(exclude=stamp) | result.model_dump(include=stamp)
    write_checked_json(path, values)


def read_result(path: Path, kind: type[Result]) -> Result | None:
    """Read a result; None where the run was not made.

    Raises UserError naming the file and the field that is wrong, or the file where its checksum tells of an edit.
    """
    if not path.exists():
        return None
    remedy = "restore the file from git, or make it anew with `dvc repro`"
    values = read_json(path)
    checksum = values.pop(CHECKSUM, None) if isinstance(values, dict) else None
    try:
        result = kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole file"
        raise UserError(f"{path}: {field}: {first['msg']}; {remedy}") from None
    if checksum != json_sha256(values):
        raise UserError(f"{path} is not as it was written: its sha256 does not fit its content; {remedy}")
    return result
