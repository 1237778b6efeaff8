"""Stages side by side, on a graph of stages that take no time: what is recorded, what is tried again, what stops."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment

STAGE = """
import sys, os, signal, time
from pathlib import Path

def main():
    name = sys.argv[1]
    with open("diary", "a") as diary: diary.write(f"{name} begins\\n")
    for line in Path(f"{name}.todo").read_text().splitlines() if Path(f"{name}.todo").exists() else []:
        exec(line)
    Path(f"{name}.out").write_text(Path(f"{name}.in").read_text() if Path(f"{name}.in").exists() else "made")
    with open("diary", "a") as diary: diary.write(f"{name} ends\\n")
    print("all is well with", name)

if __name__ == "__main__":
    main()
"""
GRAPH = {"a": ("train", ["a.in"]), "b": ("train", []), "c": ("evaluate", ["a.out"]), "d": ("timing", []),
         "e": ("tables", ["c.out", "d.out"])}  # fmt: skip


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Five stages: c needs a; d is alone; e is last, and needs c and d."""
    for module in ("train", "evaluate", "timing", "tables"):
        (tmp_path / f"{module}.py").write_text(STAGE)
    stages = "".join(
        f"  {name}:\n    cmd: python -m {module} {name}\n    deps: {deps}\n    outs: [{name}.out: {{persist: true}}]\n"
        for name, (module, deps) in GRAPH.items()
    )
    (tmp_path / "dvc.yaml").write_text(f"stages:\n{stages}")
    (tmp_path / "a.in").write_text("1")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    return tmp_path


def begin(folder: Path, jobs: int = 2) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", str(jobs)],
        cwd=folder, env=dvc_environment() | {"PYTHONPATH": str(HOUSE)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def launch(folder: Path, jobs: int = 2) -> tuple[int, str]:
    process = begin(folder, jobs)
    text, _ = process.communicate(timeout=120)
    return process.returncode, text


def diary(folder: Path) -> list[str]:
    file = folder / "diary"
    return file.read_text().splitlines() if file.exists() else []


def out_of_date(folder: Path) -> set[str]:
    with Repo(str(folder)) as repo:
        return set(repo.status())


def test_a_stage_begins_when_what_it_needs_is_made(graph: Path) -> None:
    code, text = launch(graph)
    assert code == 0, text
    lines = diary(graph)
    assert sorted(lines) == sorted(f"{name} {what}" for name in GRAPH for what in ("begins", "ends"))
    assert lines.index("a ends") < lines.index("c begins")
    assert lines.index("d ends") == lines.index("d begins") + 1
    assert lines[-2:] == ["e begins", "e ends"]
    assert "[5 of 5] tables e" in text
    assert out_of_date(graph) == set()


def test_a_second_launch_runs_what_changed(graph: Path) -> None:
    launch(graph)
    assert "Nothing to run" in launch(graph)[1]
    (graph / "diary").unlink()
    (graph / "b.out").unlink()
    (graph / "a.in").write_text("2")
    assert launch(graph)[0] == 0
    assert {line.split()[0] for line in diary(graph)} == {"a", "b", "c", "e"} - ({"e"} if "e begins" not in diary(graph) else set())
    assert out_of_date(graph) == set()
