"""The workspace that faults are injected into, and the processes that run in it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.base import paths
from pipeline.commands.quickstart import dvc_environment, merge
from tests.acceptance.faults.patience import end
from tests.acceptance.workspaces import make_workspace, repro
from tests.conftest import tiny_params

NAMES: dict[str, object] = {"dataset": "stories", "model": "gam", "seed": 0}
RUN = ["--dataset", "stories", "--model", "gam", "--seed", "0"]
TRAIN_STAGE = "train@stories-gam-0"
WEIGHTS, CURVE, CLOCK, METRICS = (
    path(**NAMES)  # type: ignore[operator]
    for path in (paths.weights, paths.curve, paths.clock, paths.metrics)
)
SAVE_OFTEN = "from pipeline import train; from pipeline.training import running; running.SAVE_EVERY = 0.0"


class NotInjectedError(Exception):
    """This machine does not let us; the message says why."""


@dataclass(frozen=True)
class Bench:
    """A workspace with everything made once, and what its run gave undisturbed. Faults work on copies of it."""

    folder: Path
    outputs: tuple[bytes, bytes]

    @contextmanager
    def copy(self, *, trained: bool = False) -> Iterator[Path]:
        """A copy in which the run is still to be made, unless it is asked for."""
        with TemporaryDirectory(dir=self.folder.parent) as name:
            copy = Path(name, "house")
            shutil.copytree(self.folder, copy, symlinks=True, ignore=shutil.ignore_patterns("work"))
            if not trained:
                for output in (WEIGHTS, CURVE, CLOCK, METRICS):
                    (copy / output).unlink()
            yield copy

    def is_whole(self, copy: Path) -> bool:
        """Whether the run in the copy ended with the bytes of the undisturbed one."""
        return outputs(copy) == self.outputs


def make_bench(folder: Path) -> Bench:
    """A run of some seconds."""
    house = folder / "bench"
    make_workspace(house, merge(tiny_params(), {"train": {"epochs": 6}}))
    repro(house, "evaluate@stories-gam-0", "flops", "peak", "timing", "scaling@gam")
    finish(house, "tables")  # which would need the whole grid
    return Bench(house, outputs(house))


def outputs(house: Path) -> tuple[bytes, bytes]:
    files = [house / WEIGHTS, house / CURVE]
    return tuple(file.read_bytes() if file.exists() else b"" for file in files)  # type: ignore[return-value]


def begin(house: Path, *command: str) -> "subprocess.Popen[str]":
    """Start `dvc ...`, a stage with its options, or a snippet of Python (after "-c")."""
    module = (
        ["-m", "dvc"] if command[0] == "dvc" else ["-c"] if command[0] == "-c" else ["-m", f"pipeline.{command[0]}"]
    )
    return subprocess.Popen(
        [sys.executable, *module, *command[1:]], cwd=house, env=dvc_environment() | {"PYTHONPATH": str(house)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def finish(house: Path, *command: str) -> str:
    """Run to the end, which must be a good one."""
    code, text = end(begin(house, *command))
    if code:
        raise RuntimeError(f"{command} ended with {code}: {text}")
    return text


def refuses(house: Path, named: str, *command: str) -> bool:
    """Whether a command ends with one line that names what is wrong; DVC adds a line of its own."""
    code, text = end(begin(house, *command))
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    expected = 1 if command[0] == "dvc" else 2
    return code in (expected, 2, 255) and len(errors) == 1 and named in errors[0] and "Traceback" not in text


def train_snippet(patch: str = SAVE_OFTEN) -> list[str]:
    return ["-c", f"{patch}\nfrom pipeline.base.errors import exit_cleanly\nexit_cleanly(train.main)", *RUN]


def saves(house: Path) -> list[Path]:
    return sorted((house / "work").rglob("step-*.safetensors"))


def train_to_the_end(bench: Bench, house: Path) -> bool:
    finish(house, "train", *RUN)
    return bench.is_whole(house) and not saves(house)


def everything(house: Path) -> dict[str, bytes]:
    """All data, results and tables."""
    folders = [house / name for name in ("data", "runs", "results", "paper_tables")]
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(house)): file.read_bytes() for file in files}
