"""The Hub's client against a Hub that fails: exactly the rows, or one line that says why not, and in bounded time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.conftest import Workspace
from tests.pipeline.data.hub_faults import ABOUT, FILE, LASTING, PASSING, REQUESTS, SOON
from tests.pipeline.data.hub_server import REPOSITORY, REVISION, FakeHub, Fault, serve
from tests.pipeline.data.hub_stage import CARD, CHANGED, GOOD, LONGEST, WAITS, Stage, assert_ends, downloads


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with serve(GOOD, CHANGED) as server:
        yield server


@pytest.fixture
def stage(workspace: Workspace, hub: FakeHub) -> Stage:
    return Stage(workspace, hub)


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


OTHER_FORMAT = {name.replace(".parquet", ".jsonl"): content for name, content in GOOD.items()}
OTHER_SPLITS = GOOD | {"README.md": CARD.replace("split: test", "split: later").encode()}


@pytest.mark.parametrize(("files", "split"), [(OTHER_FORMAT, "train"), (OTHER_SPLITS, "test")], ids=["format", "split"])
def test_no_parquet_files(stage: Stage, hub: FakeHub, files: dict[str, bytes], split: str) -> None:
    hub.files = files
    assert f"(ValueError: it has no Parquet files of {split})" in stage.refused()


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
    if how == "kill":  # what it had begun lies there until the next one comes
        hub.fault = None
        assert stage.run() == (0, [])
        stage.assert_fetched()
        return
    stage.assert_untouched()
    if how == "Ctrl-C":
        assert errors == "stopped by SIGINT: the same command starts again\n"
        assert process.returncode == 130
    elif how == "kill the download":
        (line,) = errors.splitlines()
        assert "(its process died, code -9)" in line
        assert process.returncode == 2
