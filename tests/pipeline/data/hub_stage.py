"""The stage fetch in a workspace, in processes of its own, and the texts that the tests' Hub serves it."""

import io
import os
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from random import Random

import pyarrow
import pyarrow.parquet as parquet

from pipeline.base.paths import HOUSE
from tests.conftest import Workspace, as_stored, tiny_params
from tests.pipeline.data.hub_server import REPOSITORY, REVISION, FakeHub

Split = str
LIMITS = {"train": 250, "validation": 5000, "test": None}
WAITS = (0.1, 0.2)
LONGEST = 60.0
CARD = """---
configs:
- config_name: other
  data_files: [{split: train, path: texts/test-*}]
- config_name: texts
  data_files:
  - {split: train, path: texts/train-*}
  - {split: validation, path: texts/validation-*}
  - {split: test, path: texts/test-*}
---
"""


def texts(split: Split, count: int) -> list[str]:
    """Rows of a few kB that do not compress well, so that the client asks for footer and content of a file apart."""
    return [f" {split} {number} \n" + Random(f"{split} {number}").randbytes(1500).hex() for number in range(count)]


ROWS = {"train": texts("train", 300), "validation": texts("validation", 20), "test": ["", "zwei \u00e9\u4e16", "three"]}
SHA256 = {split: sha256(as_stored(rows[: LIMITS[split]])).hexdigest() for split, rows in ROWS.items()}


def as_parquet(rows: list[str]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": rows}), buffer, row_group_size=40)
    return buffer.getvalue()


def files_of(rows: dict[Split, list[str]]) -> dict[str, bytes]:
    """Training rows are spread over three files, of which the limit takes two and a part of the third."""
    files = {"README.md": CARD.encode()}
    for split, every in rows.items():
        parts = [every[start : start + 100] for start in range(0, len(every), 100)]
        for number, part in enumerate(parts):
            files[f"texts/{split}-{number:05}-of-{len(parts):05}.parquet"] = as_parquet(part)
    return files


GOOD = files_of(ROWS)
CHANGED = files_of(ROWS | {"train": [row.replace("train 7 ", "train 8 ") for row in ROWS["train"]]})


class Stage:
    """The stage in a workspace of which data/raw has something already, in processes of its own."""

    def __init__(self, workspace: Workspace, hub: FakeHub) -> None:
        params = tiny_params()
        origin = {"path": REPOSITORY, "name": "texts", "revision": REVISION}
        params["datasets"]["stories"] |= {"origin": origin, "rows": LIMITS, "sha256": SHA256}
        workspace.write(params)
        self.folder = workspace.folder
        self.raw = self.folder / "data" / "raw"
        (self.raw / "stories").mkdir(parents=True)
        (self.raw / "stories" / "train.rows").write_text("from before")
        # The client's own back-off has no setting: what it sleeps for seconds becomes short.
        sites = self.folder / "sites"
        sites.mkdir()
        (sites / "sitecustomize.py").write_text(
            "import time\nsleep = time.sleep\ntime.sleep = lambda seconds: sleep(seconds if seconds < 1 else 0.01)\n"
        )
        self.environment = os.environ | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(self.folder / "home"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "1",
            "PYTHONPATH": f"{sites}{os.pathsep}{HOUSE}",
        }

    def start(self, longest: float = LONGEST) -> "subprocess.Popen[str]":
        code = (
            f"from pipeline.data import hub; hub.LONGEST, hub.WAITS = {longest}, {WAITS}; "
            "import runpy; runpy.run_module('pipeline.fetch', run_name='__main__')"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code, "--dataset", "stories"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, longest: float = LONGEST) -> tuple[int, list[str]]:
        """The exit code and the lines on stderr. Nothing goes on when the stage has ended."""
        process = self.start(longest)
        _, errors = process.communicate(timeout=LONGEST)
        assert_ends(process.pid)
        return process.returncode, errors.splitlines()

    def refused(self, longest: float = LONGEST) -> str:
        """The one line with which the stage refused, having changed nothing."""
        code, errors = self.run(longest)
        assert code == 2, errors
        (line,) = errors
        assert line.startswith("error: data set stories: ")
        self.assert_untouched()
        return line

    def assert_untouched(self) -> None:
        assert [path for path in self.raw.rglob("*") if path.is_file()] == [self.raw / "stories" / "train.rows"]
        assert (self.raw / "stories" / "train.rows").read_text() == "from before"
        assert [path.name for path in self.raw.iterdir()] == ["stories"]

    def assert_fetched(self) -> None:
        for split, rows in ROWS.items():
            assert (self.raw / "stories" / f"{split}.rows").read_bytes() == as_stored(rows[: LIMITS[split]])
        assert [path.name for path in self.raw.iterdir()] == ["stories"]


def assert_ends(group: int) -> None:
    """No process of the group is left, but for those that wait to be reaped."""
    until = time.monotonic() + 5
    while commands(group):
        assert time.monotonic() < until, commands(group)
        time.sleep(0.05)


def commands(group: int) -> dict[int, str]:
    """The processes of a group, and their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found[int(folder.name)] = (folder / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def downloads(group: int) -> list[int]:
    return [number for number, command in commands(group).items() if "spawn_main" in command]
