"""The lock that lets one process at a time write."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.base.lock import is_held, only_writer
from pipeline.base.paths import HOUSE


def test_second_writer_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And learns who holds the lock, which dies with its owner."""
    lock = tmp_path / "run.lock"
    hold = "import sys, time; from pathlib import Path; from pipeline.base.lock import only_writer\n"
    hold += "with only_writer(Path(sys.argv[1]), 'x'): print('held', flush=True); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(lock)], cwd=HOUSE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    entered = threading.Event()

    def second() -> None:
        with only_writer(lock, "the run"):
            entered.set()

    waiter = threading.Thread(target=second)
    waiter.start()
    time.sleep(0.2)
    assert not entered.is_set()
    assert is_held(lock)
    holder.kill()
    waiter.join(timeout=10)
    assert entered.is_set()
    assert capsys.readouterr().err == f"the run: process {holder.pid} is at it, waiting for it to end\n"
    holder.wait()
    holder.stdout.close()


def test_what_a_dead_writer_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Does no harm."""
    lock = tmp_path / "folder/run.lock"
    lock.parent.mkdir()
    lock.write_text("123\n")
    lock.with_suffix(".pid").write_text("123\n")
    for _ in range(2):
        assert not is_held(lock)
        with only_writer(lock, "the run"):
            assert is_held(lock)
        lock.with_suffix(".pid").write_text("no number\n")
    assert capsys.readouterr().err == ""
