"""./reproduce.sh on a machine that lacks something: one line with what to do, and nothing half done."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.paths import HOUSE

TOOLS = ("dirname", "sed", "env", "id")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with the script and a bin/ that has what a bare Debian has, all else as it is on the machine."""
    shutil.copyfile(HOUSE / "reproduce.sh", tmp_path / "reproduce.sh")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def add(bare: Path, name: str, script: str) -> None:
    (bare / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (bare / "bin" / name).chmod(0o755)


def complete(bare: Path) -> None:
    """All that is needed, with a make whose environment prints what it is called with."""
    add(bare, "git", "true")
    add(bare, "python3", f'exec {sys.executable} "$@"')
    add(bare, "make", "mkdir -p .venv/bin; ln -sf /bin/echo .venv/bin/python")
    (bare / "bin" / "mkdir").symlink_to(str(shutil.which("mkdir")))
    (bare / "bin" / "ln").symlink_to(str(shutil.which("ln")))


def call(bare: Path, *arguments: str, answer: str | None = None) -> "subprocess.CompletedProcess[str]":
    """With a terminal where there is an `answer` to what it asks."""
    command = ["/bin/sh", str(bare / "reproduce.sh"), *arguments]
    ours, theirs = pty.openpty()
    try:
        if answer is not None:
            os.write(ours, f"{answer}\n".encode())
        stdin = subprocess.DEVNULL if answer is None else theirs
        return subprocess.run(
            command, env={"PATH": str(bare / "bin")}, stdin=stdin, capture_output=True, text=True, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_it_calls_the_command_in_its_environment(bare: Path) -> None:
    complete(bare)
    done = call(bare, "C7", "C11")
    assert (done.returncode, done.stdout) == (0, "-m pipeline reproduce C7 C11\n"), done.stderr


@pytest.mark.parametrize("name", ["make", "git", "python3"])
def test_a_missing_program(bare: Path, name: str) -> None:
    complete(bare)
    add(bare, "apt-get", "exit 1")
    (bare / "bin" / name).unlink()
    done = call(bare)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    package = "python3-venv" if name == "python3" else name
    assert line.startswith(f"error: missing: {package}: call `")
    assert line.endswith(f" apt-get install --yes --no-install-recommends {package}`, then this again")
    assert not (bare / ".venv").exists()


def test_a_machine_without_apt(bare: Path) -> None:
    done = call(bare)
    assert done.returncode == 2
    assert done.stderr.startswith("error: missing: make git python3-venv (so named in Debian): install them")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_it_offers_to_install_what_is_missing(bare: Path, answer: str, code: int) -> None:
    complete(bare)
    (bare / "bin" / "git").unlink()
    (bare / "bin" / "sudo").symlink_to(str(shutil.which("env")))
    add(bare, "apt-get", "echo apt-get $* >>log")
    done = call(bare, answer=answer)
    assert done.returncode == code, done.stderr
    assert done.stdout.startswith("missing: git. Call `")
    log = bare / "log"
    assert log.exists() is (answer == "y")
    if answer == "y":
        installs = "apt-get install --yes --no-install-recommends git"
        assert log.read_text().splitlines() == ["apt-get update --quiet=2", installs]


def test_what_fails_on_the_way(bare: Path) -> None:
    """apt-get, the Python that it brings, and the environment."""
    complete(bare)
    add(bare, "make", "exit 1")
    done = call(bare)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("error: the Python environment was not made, see above")
    (bare / "bin" / "sudo").symlink_to(str(shutil.which("env")))
    add(bare, "python3", "exit 1")
    add(bare, "apt-get", "exit 0")
    assert "error: Python 3.11 to 3.14 is needed" in call(bare, answer="y").stderr
    add(bare, "apt-get", "exit 1")
    assert "error: apt-get failed, see above" in call(bare, answer="y").stderr


def test_help_needs_nothing(bare: Path) -> None:
    done = call(bare, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("./reproduce.sh [CLAIM ...] ")
    assert "set -eu" not in done.stdout
