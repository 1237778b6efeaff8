"""Workspaces like the quickstart's, and DVC in them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.commands.quickstart import dvc_environment, prepare


def make_workspace(folder: Path, params: dict[str, Any]) -> None:
    """Code, graph and these parameters in a folder, where DVC has run nothing yet."""
    folder.mkdir(parents=True, exist_ok=True)
    overlay = folder / "overlay.yaml"
    overlay.write_text("{}", encoding="utf-8")
    prepare(folder, overlay)
    overlay.unlink()
    write_params(folder, params)
    dvc(folder, "init", "--quiet", "--no-scm")


def write_params(folder: Path, params: object) -> None:
    YAML().dump(params, folder / paths.PARAMS)


def dvc(folder: Path, *arguments: str) -> str:
    """What a call of DVC that ends well prints."""
    done = _run(folder, arguments)
    assert done.returncode == 0, f"dvc {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def dvc_fails(folder: Path, *arguments: str) -> str:
    """What a call of DVC that must fail says on stderr."""
    done = _run(folder, arguments)
    assert done.returncode != 0
    return done.stderr


def _run(folder: Path, arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=dvc_environment(), capture_output=True, text=True, check=False)


def files_in(folder: Path) -> dict[str, bytes]:
    """The content of all files, by their path within the folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def repro(folder: Path, *stages: str) -> set[str]:
    """The stages that are run to bring these, or all, up to date. By the launcher, whose stages need not load torch
    each time: it runs the same ones as `dvc repro`, as test_grid says."""
    shutil.rmtree(folder / paths.LOGS, ignore_errors=True)
    command = [sys.executable, "-m", "pipeline", "grid", "--jobs", "2", *stages]
    done = subprocess.run(command, cwd=folder, env=dvc_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {file.stem for file in (folder / paths.LOGS).glob("*.log")}


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(.*)'", output))
