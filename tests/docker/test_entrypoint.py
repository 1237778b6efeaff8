"""The image's entry point, run without a container. docker/check.sh does the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.base.paths import HOUSE

SCRIPT = HOUSE / "docker" / "entrypoint.py"
ENTRYPOINT = [sys.executable, "-I", str(SCRIPT)]
# The entry point.

DIES_AT_ONCE = """
import signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(60)
"""
"""As DVC does, while its child lives on."""


SAVES_FIRST = """
import pathlib, signal, sys, time
def save(number, frame):
    time.sleep(1)
    pathlib.Path("saved").write_text(str(number))
    sys.exit()
signal.signal(signal.SIGTERM, save)
pathlib.Path("ready").touch()
time.sleep(60)
"""


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.01)


def test_a_stop_waits_for_the_training(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ENTRYPOINT, sys.executable, "-c", DIES_AT_ONCE, SAVES_FIRST], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    wait_for(tmp_path / "ready")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert (tmp_path / "saved").read_text() == str(int(signal.SIGTERM))


def test_what_a_command_leaves_running_may_save(tmp_path: Path) -> None:
    """The command is killed by someone else, or just ends: its training is told to stop, and waited for."""
    ends = DIES_AT_ONCE.replace("time.sleep(60)", "while not __import__('os').path.exists('ready'): pass\nsys.exit(3)")
    done = subprocess.run([*ENTRYPOINT, sys.executable, "-c", ends, SAVES_FIRST], cwd=tmp_path, check=False, timeout=30)
    assert done.returncode == 3
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), (["no-such-command"], 127)],
)
def test_exit_codes(command: list[str], code: int) -> None:
    done = subprocess.run([*ENTRYPOINT, *command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    errors = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert errors == (["error: no-such-command: No such file or directory"] if code == 127 else [])


@pytest.fixture
def entrypoint() -> ModuleType:
    spec = spec_from_file_location("entrypoint", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, entrypoint: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entrypoint.unwritable(tmp_path) == entrypoint.unwritable(tmp_path / "missing") == ""
    monkeypatch.setattr(os, "access", lambda *_: False)
    complaint = entrypoint.unwritable(tmp_path)
    assert f"{tmp_path} belongs to user {os.getuid()}:{os.getgid()}" in complaint
    assert 'docker run --user "$(id -u):$(id -g)"' in complaint


def test_locks_of_an_earlier_container(tmp_path: Path, entrypoint: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process id in DVC's lock that is ours, or nobody's, belongs to someone dead; another's lock stays."""
    monkeypatch.chdir(tmp_path)
    lock = tmp_path / ".quickstart/stories" / entrypoint.RWLOCK
    lock.parent.mkdir(parents=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as alive:
        for holder, stays in ((gone.pid, False), (os.getpid(), False), (1, False), (alive.pid, True)):
            lock.write_text(json.dumps({"read": {"/repo/data": [{"pid": holder, "cmd": "dvc repro"}]}}))
            entrypoint.forget_the_dead()
            assert lock.exists() == stays


HOLDS_THE_LOCK = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("entrypoint", sys.argv[1])
entrypoint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(entrypoint)
entrypoint.REPOSITORY = pathlib.Path.cwd()
with entrypoint.the_only_container() as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def test_locks_of_another_container_that_is_alive(
    tmp_path: Path, entrypoint: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its processes are not to be seen from this one, so that its locks look like those of the dead."""
    (tmp_path / ".dvc").mkdir()
    entrypoint.REPOSITORY = entrypoint.CACHE = tmp_path
    entrypoint.run = lambda _: 0
    monkeypatch.chdir(tmp_path)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    lock = tmp_path / entrypoint.RWLOCK
    lock.write_text(json.dumps({"write": {"/repo/runs": {"pid": 2**22 + 1, "cmd": "dvc repro"}}}))
    with pytest.raises(SystemExit):
        entrypoint.main()
    assert lock.exists()
    assert "another container works in this repository" in capsys.readouterr().err
    other.kill()
    other.communicate()
    with pytest.raises(SystemExit):
        entrypoint.main()
    assert not lock.exists()


def test_notes(tmp_path: Path, entrypoint: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """No repository, no GPU: said in a line each, and the command runs."""
    for name in ("REPOSITORY", "CACHE"):
        setattr(entrypoint, name, tmp_path)
    entrypoint.GPU_DEVICES = (str(tmp_path / "none"),)
    entrypoint.run = lambda _: 5
    with pytest.raises(SystemExit) as stop:
        entrypoint.main()
    assert stop.value.code == 5
    repository, gpu = capsys.readouterr().err.splitlines()
    assert repository.startswith(f"note: no repository at {tmp_path}: add --volume ")
    assert "--gpus all (NVIDIA driver 580 or newer)" in gpu
