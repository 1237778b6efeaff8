"""Raw text on disk: a split is one file of rows, each as UTF-8 followed by one NUL byte.

The SHA-256 of such a file is the row hash of params.yaml, and `sha256sum` checks it. An index beside the splits has the
hashes, and says what the rows are.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.base.errors import UserError
from pipeline.base.files import read_checked_json, write_checked_json
from pipeline.params.datasets import Split

INDEX = "rows.json"


def rows_file(folder: Path, split: Split) -> Path:
    """The file of one split in the folder of a data set."""
    return folder / f"{split}.rows"


def encode_rows(rows: Iterable[object]) -> bytes:
    """The bytes of a split. Raises UserError for a row that is no text, or holds a NUL, which would end it early."""
    encoded = []
    for number, row in enumerate(rows):
        if not isinstance(row, str):
            raise UserError(f"row {number} is {row!r}, not text: mend the data set, or use another")
        if "\0" in row:
            raise UserError(f"row {number} holds a NUL character: the rows cannot be stored, use another data set")
        encoded.append(row.encode() + b"\0")
    return b"".join(encoded)


def read_rows(folder: Path, split: Split, expected_sha256: str) -> Iterator[str]:
    """The rows of one split, in order. Raises UserError where the file is missing, or not what was written."""
    path = rows_file(folder, split)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path} is missing: make it with `dvc repro`") from None
    if sha256(content).hexdigest() != expected_sha256:
        raise UserError(f"{path} is damaged, its SHA-256 is not the recorded one: delete {folder} and run `dvc repro`")
    start = 0
    while (end := content.find(b"\0", start)) != -1:
        yield content[start:end].decode()
        start = end + 1


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
