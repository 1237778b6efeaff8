"""Raw text on disk: a split is one file of rows, each as UTF-8 followed by one NUL byte.

The SHA-256 of such a file is the row hash of params.yaml, and `sha256sum` checks it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import UserError
from pipeline.params import Split


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


def read_rows(path: Path) -> Iterator[str]:
    """The rows of one split, in order. Raises UserError where the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path} is missing: make it with `dvc repro`") from None
    if content and not content.endswith(b"\0"):
        raise UserError(f"{path} ends in the middle of a row: delete it and run `dvc repro`")
    start = 0
    while (end := content.find(b"\0", start)) != -1:
        try:
            yield content[start:end].decode()
        except UnicodeDecodeError:
            raise UserError(f"{path} holds a row that is not UTF-8: delete it and run `dvc repro`") from None
        start = end + 1
