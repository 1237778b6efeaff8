"""Raw text on disk: a split is one file of rows, each as UTF-8 followed by one NUL byte.

The SHA-256 of such a file is the row hash of params.yaml, and `sha256sum` checks it. An index beside the splits has the
hashes, and says what the rows are. Files are written and read a row at a time: they may be larger than the memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from pipeline.base.errors import UserError
from pipeline.base.files import read_checked_json, write_checked_json
from pipeline.params.datasets import Split

INDEX = "rows.json"
BYTES_AT_ONCE = 2**20


@dataclass(frozen=True)
class Written:
    """What a file of rows amounts to."""

    rows: int
    bytes: int
    sha256: str


def rows_file(folder: Path, split: Split) -> Path:
    """The file of one split in the folder of a data set."""
    return folder / f"{split}.rows"


def encode_rows(rows: Iterable[object]) -> Iterator[bytes]:
    """Each row as it lies on disk. Raises UserError for one that is no text, or has a NUL, which would end it early."""
    for number, row in enumerate(rows):
        if not isinstance(row, str):
            raise UserError(f"row {number} is {row!r}, not text: mend the data set, or use another")
        if "\0" in row:
            raise UserError(f"row {number} holds a NUL character: the rows cannot be stored, use another data set")
        yield row.encode() + b"\0"


def write_rows(folder: Path, split: Split, rows: Iterable[object]) -> Written:
    """Write one split as its rows come. Raises UserError where `encode_rows` does."""
    n_rows = n_bytes = 0
    digest = sha256()
    with rows_file(folder, split).open("wb") as file:
        for encoded in encode_rows(rows):
            file.write(encoded)
            digest.update(encoded)
            n_rows += 1
            n_bytes += len(encoded)
    return Written(n_rows, n_bytes, digest.hexdigest())


def read_rows(folder: Path, split: Split, expected_sha256: str) -> Iterator[str]:
    """The rows of one split, in order. Raises UserError where the file is missing, or not what was written."""
    path = rows_file(folder, split)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path} is missing: make it with `dvc repro`") from None
    with file:
        if file_digest(file, "sha256").hexdigest() != expected_sha256:
            raise UserError(
                f"{path} is damaged, its SHA-256 is not the recorded one: delete {folder} and run `dvc repro`"
            )
        file.seek(0)
        begun = b""  # a row that goes on in the next part
        while part := file.read(BYTES_AT_ONCE):
            *rows, begun = (begun + part).split(b"\0")
            for row in rows:
                yield row.decode()


def write_index(folder: Path, what: dict[str, Any], hashes: dict[Split, str]) -> None:
    """Write what the rows are, and the hash of each split."""
    write_checked_json(folder / INDEX, {"what": what, "splits": hashes})


def read_index(folder: Path, what: dict[str, Any]) -> dict[Split, str]:
    """The hash of each split. Raises UserError where the rows are not `what` params.yaml asks for."""
    index = read_checked_json(folder / INDEX, folder)
    if index["what"] != what:
        raise UserError(f"{folder} holds other rows than params.yaml asks for: make them with `dvc repro`")
    hashes: dict[Split, str] = index["splits"]
    return hashes
