"""What a machine lacks: told in one line each, by a file that needs nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.paths import HOUSE

DOCTOR = HOUSE / "pipeline" / "commands" / "doctor.py"


def say(house: Path, path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What it says of a copy of this project in `house`, with the programs in `path` alone."""
    (house / "pipeline" / "commands").mkdir(parents=True)
    shutil.copyfile(DOCTOR, house / "pipeline" / "commands" / "doctor.py")
    shutil.copyfile(HOUSE / "constraints.txt", house / "constraints.txt")
    command = [sys.executable, "-I", str(house / "pipeline" / "commands" / "doctor.py")]
    known = {"PATH": str(path), "GAM_DATASETS_MIRROR": str(house)} | environment
    return subprocess.run(command, env=known, capture_output=True, text=True, check=False)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with Python, make and git."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, target in (("python3", sys.executable), ("make", "/bin/true"), ("git", "/bin/true")):
        (folder / name).write_text(f'#!/bin/sh\nexec {target} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def test_nothing_is_missing(tmp_path: Path, programs: Path) -> None:
    done = say(tmp_path / "house", programs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All that the two commands need is here.\n")
    assert "not here  an NVIDIA GPU" in done.stdout


@pytest.mark.parametrize("name", ["git", "make"])
def test_a_missing_tool(tmp_path: Path, programs: Path, name: str) -> None:
    (programs / name).unlink()
    done = say(tmp_path / "house", programs)
    assert done.returncode == 1
    assert f"missing   {name}: `apt install {name}`\n" in done.stdout
    assert "1 to be mended first" in done.stdout


def test_a_python_that_is_too_old(tmp_path: Path, programs: Path) -> None:
    (programs / "python3").write_text("#!/bin/sh\necho 3.9.2\n")
    done = say(tmp_path / "house", programs)
    assert done.returncode == 1
    assert "missing   Python 3.11 to 3.14" in done.stdout


def test_an_environment_that_is_not_as_pinned(tmp_path: Path, programs: Path) -> None:
    interpreter = tmp_path / "house" / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text("#!/bin/sh\nprintf 'torch==2.13.0+cpu\\ndvc==1.0\\npydantic==2.14.3\\npytest==9.2.0\\n'\n")
    interpreter.chmod(0o755)
    done = say(tmp_path / "house", programs)
    assert done.returncode == 1
    assert "in .venv, which has 1.0: delete the folder .venv" in done.stdout
    interpreter.write_text("#!/bin/sh\nexit 1\n")
    shutil.rmtree(tmp_path / "house" / "pipeline")
    assert "missing   .venv does not work" in say(tmp_path / "house", programs).stdout


def test_a_driver_and_a_mirror(tmp_path: Path, programs: Path) -> None:
    (programs / "nvidia-smi").write_text("#!/bin/sh\necho 535.1\n")
    (programs / "nvidia-smi").chmod(0o755)
    done = say(tmp_path / "house", programs, GAM_DATASETS_MIRROR=os.fspath(tmp_path / "nowhere"))
    assert "not here  NVIDIA driver 580, 535.1 is there" in done.stdout
    assert "missing   the folder " in done.stdout
