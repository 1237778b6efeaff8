"""The Hub's client against a Hub that fails: exactly the rows, or one line that says why not, and in bounded time."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random

import pyarrow
import pyarrow.parquet as parquet
import pytest

from pipeline.base.paths import HOUSE
from pipeline.data.rows import encode_rows
from tests.conftest import Workspace, tiny_params
from tests.hub_server import REPOSITORY, REVISION, FakeHub, Fault, serve

Split = str
LIMITS = {"train": 250, "validation": 5000, "test": None}
WAITS = (0.1, 0.2)
LONGEST = 60.0
SOON = 3.0
"""Seconds after which a download is given up, and where it is known to hang: more than the first requests take."""
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

FILE, CARD_FILE, ABOUT, LIST = ".parquet", "README.md", "/revision/", "/tree/"
"""What requests for rows, for the card, for the data set itself, and for its list of files hold in their paths."""
REQUESTS = 7
"""How many times the client asks for the same, at most, before it gives up."""
CONTENT = 2
"""The first requests for a Parquet file are for its footer."""
PASSING = [
    pytest.param(Fault(500, FILE, times=2), id="500 twice"),
    pytest.param(Fault(503, FILE, times=2, skip=CONTENT), id="503 twice, in the content"),
    pytest.param(Fault(429, FILE, times=2), id="429 twice"),
    pytest.param(Fault("drop", FILE, times=2, skip=CONTENT), id="dropped twice, in the content"),
    pytest.param(Fault("hang", FILE, times=1), id="no answer once"),
    pytest.param(Fault(500, CARD_FILE, times=REQUESTS), id="500 until the client gives up"),
    pytest.param(Fault(500, ABOUT, times=2), id="500 twice, where the client gives up at once"),
    pytest.param(Fault("drop", ABOUT, times=2), id="dropped twice, where the client gives up at once"),
]
"""Faults that a download survives."""
LASTING = [
    pytest.param(Fault(500, FILE), "Server error '500", id="500 for ever"),
    pytest.param(Fault(429, FILE), "Server Disconnected", id="429 for ever"),
    pytest.param(Fault("drop", FILE, skip=CONTENT), "Server Disconnected", id="dropped for ever, in the content"),
    pytest.param(Fault("short", FILE, times=1, skip=CONTENT), "File too short", id="half of the content"),
    pytest.param(Fault("hang"), f"not in {SOON:g} seconds", id="no answer, from the first request"),
    pytest.param(Fault("hang", LIST), f"not in {SOON:g} seconds", id="no answer, where the client waits for ever"),
    pytest.param(Fault("trickle", FILE), f"not in {SOON:g} seconds", id="byte by byte"),
    pytest.param(Fault(404), "doesn't exist on the Hub", id="404"),
    pytest.param(Fault(404, FILE), "404", id="404 of a file"),
    pytest.param(Fault(403), "gated", id="gated"),
    pytest.param(Fault("changed"), "params.yaml expects", id="changed file"),
]
"""Faults that end with a refusal, and what it says."""
FAULTS = [*PASSING, *LASTING]


def texts(split: Split, count: int) -> list[str]:
    """Rows of a few kB that do not compress well, so that the client asks for footer and content of a file apart."""
    return [f" {split} {number} \n" + Random(f"{split} {number}").randbytes(1500).hex() for number in range(count)]


ROWS = {"train": texts("train", 300), "validation": texts("validation", 20), "test": ["", "zwei \u00e9\u4e16", "three"]}
SHA256 = {split: sha256(encode_rows(rows[: LIMITS[split]])).hexdigest() for split, rows in ROWS.items()}


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


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with serve(GOOD, CHANGED) as server:
        yield server


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
            f"from pipeline import hub; hub.LONGEST, hub.WAITS = {longest}, {WAITS}; "
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
            assert (self.raw / "stories" / f"{split}.rows").read_bytes() == encode_rows(rows[: LIMITS[split]])
        assert [path.name for path in self.raw.iterdir()] == ["stories"]


@pytest.fixture
def stage(workspace: Workspace, hub: FakeHub) -> Stage:
    return Stage(workspace, hub)


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


def test_good_hub(stage: Stage) -> None:
    assert stage.run() == (0, [])
    stage.assert_fetched()


@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault(stage: Stage, hub: FakeHub, fault: Fault) -> None:
    hub.fault = fault
    assert stage.run() == (0, [])
    stage.assert_fetched()
    assert len(hub.asked) > fault.skip + fault.times
    if fault.where == ABOUT:
        first, second, third = (moment for moment, _ in hub.asked[:3])
        assert second - first >= WAITS[0]
        assert third - second >= WAITS[1]


@pytest.mark.parametrize(("fault", "reason"), LASTING)
def test_lasting_fault(stage: Stage, hub: FakeHub, fault: Fault, reason: str) -> None:
    hub.fault = fault
    start = time.monotonic()
    line = stage.refused(SOON if fault.kind in ("hang", "trickle") else LONGEST)
    assert time.monotonic() - start < LONGEST / 2
    assert reason in line
    if fault.kind != "changed":
        assert f"the Hub did not give {REPOSITORY} (" in line
        assert "check the network and the name, or set GAM_DATASETS_MIRROR" in line
        assert len(hub.asked) <= fault.skip + REQUESTS * (1 + len(WAITS))
    if fault.kind in (403, 404):
        assert len(hub.asked) == 1  # no second attempt


def test_nobody_there(stage: Stage) -> None:
    stage.environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    assert f"the Hub did not give {REPOSITORY} (ConnectionError: " in stage.refused()


def test_unknown_configuration(stage: Stage, hub: FakeHub) -> None:
    path = stage.folder / "params.yaml"
    path.write_text(path.read_text().replace("name: texts", "name: tests"))
    hub.fault = Fault("hang", FILE)
    assert "BuilderConfig 'tests' not found" in stage.refused()
    assert not hub.asked


def test_another_revision_is_no_substitute(stage: Stage, hub: FakeHub) -> None:
    """The client itself takes what it has cached of a data set, of whatever revision, where the Hub does not answer."""
    code = f"import datasets; datasets.load_dataset({REPOSITORY!r}, 'texts', revision={REVISION!r})"
    subprocess.run([sys.executable, "-c", code], env=stage.environment, capture_output=True, check=True)
    path = stage.folder / "params.yaml"
    path.write_text(path.read_text().replace(REVISION, "f" * 40))
    hub.fault = Fault(404)
    assert "doesn't exist on the Hub" in stage.refused()


@pytest.mark.parametrize("how", ["kill", "Ctrl-C", "kill the download"])
def test_ended_while_it_downloads(stage: Stage, hub: FakeHub, how: str) -> None:
    hub.fault = Fault("trickle", FILE)
    process = stage.start()
    until = time.monotonic() + LONGEST
    while not hub.asked:
        assert time.monotonic() < until
        time.sleep(0.05)
    (download,) = downloads(process.pid)
    if how == "kill":
        process.kill()
    elif how == "kill the download":
        os.kill(download, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGSTOP)  # so that the download has the time to say something about it
        os.killpg(process.pid, signal.SIGINT)
        while downloads(process.pid):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=LONGEST / 2)
    assert_ends(process.pid)
    stage.assert_untouched()
    if how == "Ctrl-C":
        assert errors == "stopped by SIGINT: the same command starts again\n"
        assert process.returncode == 130
    elif how == "kill the download":
        (line,) = errors.splitlines()
        assert "(its process died, code -9)" in line
        assert process.returncode == 2
