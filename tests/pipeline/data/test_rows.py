"""Rows on disk, read and written a part at a time."""

from pathlib import Path

import pytest

from pipeline.base.errors import UserError
from pipeline.data import rows as module
from pipeline.data.rows import read_rows, rows_file, write_rows

ROWS = [
    "",
    "one\n",
    "zwei \u00e9\u4e16\U0001f600",
    "",
    "a row that is longer than all parts but one",
]


@pytest.mark.parametrize("at_once", [1, 2, 7, 2**20])
def test_parts_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "BYTES_AT_ONCE", at_once)
    written = write_rows(tmp_path, "train", iter(ROWS))
    assert (written.rows, written.bytes) == (len(ROWS), rows_file(tmp_path, "train").stat().st_size)
    assert list(read_rows(tmp_path, "train", written.sha256)) == ROWS


def test_no_rows(tmp_path: Path) -> None:
    written = write_rows(tmp_path, "test", [])
    assert list(read_rows(tmp_path, "test", written.sha256)) == []


@pytest.mark.parametrize("damage", ["last byte missing", "last row missing", "row added", "bit flipped at the end"])
def test_damage_is_noticed_before_the_first_row(tmp_path: Path, damage: str) -> None:
    written, path = write_rows(tmp_path, "train", ROWS), rows_file(tmp_path, "train")
    content = path.read_bytes()
    last = len(ROWS[-1]) + 1
    damaged = {
        "last byte missing": content[:-1],
        "last row missing": content[:-last],
        "row added": content + b"\0",
        "bit flipped at the end": content[:-2] + bytes([content[-2] ^ 1]) + content[-1:],
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(UserError, match="is damaged"):
        next(read_rows(tmp_path, "train", written.sha256))
