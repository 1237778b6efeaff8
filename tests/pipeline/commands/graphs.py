"""A graph of stages that take no time, in a folder of its own, and the grid called on it."""

import subprocess
import sys
from pathlib import Path

from dvc.repo import Repo

from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment

STAGE = """
import sys, os, signal, time
from pathlib import Path

def main():
    name, here = sys.argv[1], Path(__file__).parent
    with open(here / "diary", "a") as diary: diary.write(f"{name} begins\\n")
    for line in (here / f"{name}.todo").read_text().splitlines() if (here / f"{name}.todo").exists() else []:
        exec(line)
    folder = Path("shown" if name == "e" else "out")
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(Path(f"{name}.in").read_text() if Path(f"{name}.in").exists() else "made")
    with open(here / "diary", "a") as diary: diary.write(f"{name} ends\\n")
    print("all is well with", name)

if __name__ == "__main__":
    main()
"""
GRAPH = {"a": ("train", ["a.in"]), "b": ("train", []), "c": ("evaluate", ["out/a"]), "d": ("timing", ["d.in"]),
         "e": ("tables", ["out"])}  # fmt: skip


def make_graph(folder: Path) -> None:
    """Five stages: c needs a; d is alone; e is last, and reads what the others wrote."""
    for module in ("train", "evaluate", "timing", "tables"):
        (folder / f"{module}.py").write_text(STAGE)
    stages = ""
    for name, (module, deps) in GRAPH.items():
        written = "shown" if name == "e" else "out"
        stages += f"  {name}:\n    cmd: python -m {module} {name}\n    deps: {deps}\n"
        stages += f"    outs: [{written}/{name}: {{persist: true}}]\n"
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    for name in "ad":
        (folder / f"{name}.in").write_text("1")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=folder, check=True)


def environment() -> dict[str, str]:
    return dvc_environment() | {"PYTHONPATH": str(HOUSE)}


def begin(folder: Path, jobs: int = 2, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", str(jobs), *arguments],
        cwd=folder, env=environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def launch(folder: Path, jobs: int = 2, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `python -m pipeline grid` in a folder."""
    process = begin(folder, jobs, *arguments)
    text, _ = process.communicate(timeout=120)
    return process.returncode, text


def diary(folder: Path) -> list[str]:
    file = folder / "diary"
    return file.read_text().splitlines() if file.exists() else []


def out_of_date(folder: Path) -> set[str]:
    with Repo(str(folder)) as repo:
        return {name.rpartition(":")[2] for name in repo.status()}
