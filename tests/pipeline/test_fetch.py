"""Rows from a mirror, the Hub's client and the generator: the same ones, checked, or a refusal."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest

from pipeline.base.errors import UserError
from pipeline.base.files import read_checked_json
from pipeline.base.paths import raw
from pipeline.data import rows
from pipeline.data.rows import INDEX, read_index, read_rows, rows_file
from pipeline.data.stories import stories
from pipeline.fetch import fetch
from pipeline.fetch import main as fetch_main
from pipeline.params.datasets import Dataset
from pipeline.params.schema import load_params
from tests.acceptance.workspaces import files_in
from tests.conftest import Workspace, as_stored

ROWS = {"train": ["", " one \n", "zwei \u00e9\u4e16", "three"], "validation": ["four"], "test": ["five", "six"]}


def dataset(path: str, name: str | None = None, **changes: object) -> Dataset:
    values = {
        "origin": {"path": path, "name": name, "revision": "0" * 40},
        "rows": {"train": 3, "validation": 5, "test": None},
        "sha256": {},
        "vocab_size": 100,
        "block_size": 16,
        "claims": [],
    }
    return Dataset.model_validate(values | changes)


@pytest.fixture
def mirror(workspace: Workspace) -> Path:
    """A mirror of the data set `a/text`, which is also a folder that the Hub's client reads."""
    folder = workspace.folder / "mirror" / "text"
    folder.mkdir(parents=True)
    for split, texts in ROWS.items():
        parquet.write_table(pyarrow.table({"text": texts}), folder / f"{split}-00000-of-00001.parquet")
    workspace.monkeypatch.setenv("GAM_DATASETS_MIRROR", "mirror")
    return folder


def fetched(name: str) -> dict[str, list[str]]:
    hashes = read_checked_json(raw(name) / INDEX, raw(name))["splits"]
    return {split: list(read_rows(raw(name), split, hashes[split])) for split in ROWS}  # type: ignore[arg-type]


def test_mirror_and_hub_give_the_same_rows(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ROWS | {"train": ROWS["train"][:3]}
    fetch(dataset("a/text"), "text")
    assert fetched("text") == expected
    monkeypatch.delenv("GAM_DATASETS_MIRROR")
    fetch(dataset(str(mirror)), "other")
    assert fetched("other") == expected
    for split in ROWS:
        assert rows_file(raw("text"), split).read_bytes() == rows_file(raw("other"), split).read_bytes()


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(("path", "configuration"), [("text", None), ("a/text", None), ("a/b", "text")])
def test_a_mirror_has_folders_named_as_on_the_hub(path: str, configuration: str | None) -> None:
    """By the configuration, where there is one: two data sets of params.yaml may be parts of one text."""
    fetch(dataset(path, configuration), "long")
    fetch(dataset(path, configuration, rows={"train": 1, "validation": 1, "test": 1}), "short")
    assert fetched("short") == {split: texts[:1] for split, texts in fetched("long").items()}


@pytest.mark.usefixtures("mirror")
def test_row_hash() -> None:
    right = sha256(as_stored(ROWS["validation"])).hexdigest()
    fetch(dataset("a/text", sha256={"validation": right}), "text")
    with pytest.raises(UserError, match=f"rows of train have SHA-256 [0-9a-f]*, params.yaml expects {right}"):
        fetch(dataset("a/text", sha256={"train": right}), "text")
    assert fetched("text")["validation"] == ["four"]  # what was there stays


def test_full_disk(workspace: Workspace, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.call(fetch_main, "--dataset", "stories")
    before = files_in(workspace.folder)
    original = rows.rows_file
    where = {"train": original, "validation": lambda *_: Path("/dev/full")}
    monkeypatch.setattr(rows, "rows_file", lambda folder, split: where[split](folder, split))
    message = refusal(fetch_main, "--dataset", "stories")
    assert message.endswith("No space left on device: free some space and run again, nothing that was there is lost")
    assert files_in(workspace.folder) == before


@pytest.mark.parametrize("damage", ["missing", "truncated", "no text column", "no UTF-8"])
def test_bad_mirror(mirror: Path, damage: str) -> None:
    file = mirror / "validation-00000-of-00001.parquet"
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-20])
    elif damage == "no UTF-8":
        wrong = pyarrow.array([b"\xff"]).view(pyarrow.string())
        parquet.write_table(pyarrow.table({"text": wrong}), file)
    else:
        parquet.write_table(pyarrow.table({"words": ["a"]}), file)
    with pytest.raises(UserError, match=r"mirror.*text/validation-"):
        fetch(dataset("a/text"), "text")
    assert not raw("text").exists()


def test_row_with_a_nul(mirror: Path) -> None:
    parquet.write_table(pyarrow.table({"text": ["a", "b\0c"]}), mirror / "test-00000-of-00001.parquet")
    with pytest.raises(UserError, match="row 1 holds a NUL"):
        fetch(dataset("a/text"), "text")


@pytest.mark.parametrize("value", [None, 3])
def test_rows_that_are_no_text(mirror: Path, value: object) -> None:
    parquet.write_table(pyarrow.table({"text": [value]}), mirror / "test-00000-of-00001.parquet")
    with pytest.raises(UserError, match=f"row 0 is {value}, not text"):
        fetch(dataset("a/text"), "text")


def test_unknown_data_set(refusal: Callable[..., str]) -> None:
    message = refusal(fetch_main, "--dataset", "storys")
    assert message == "error: unknown data set 'storys' (did you mean 'stories'?); params.yaml has stories"


@pytest.mark.parametrize("arguments", [[], ["--dataset"], ["--dataset", "stories", "--rows", "3"]])
def test_bad_command_line(refusal: Callable[..., str], arguments: list[str]) -> None:
    assert "command line:" in refusal(fetch_main, *arguments)


def test_generated_corpus(workspace: Workspace) -> None:
    workspace.call(fetch_main, "--dataset", "stories")
    hashes = read_index(raw("stories"), load_params().datasets["stories"].what_rows())
    train = list(read_rows(raw("stories"), "train", hashes["train"]))
    assert train == list(stories(0, "train", 100))[:60]
    assert len({*train, *stories(0, "validation", 60), *stories(1, "train", 60)}) == 180
