"""The stage train in several processes: one writes and speaks, any number goes on from a save, all end together."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.records import Curve
from pipeline.artifacts.storage import read_result
from pipeline.artifacts.tensors import read_tensors
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE
from pipeline.train import main as train
from pipeline.training import protocol
from tests.conftest import Workspace
from tests.pipeline.conftest import RUN, run
from tests.team import Team

NAME = "stories gam seed 0"


def trained(told: dict[int, int] | None = None, arguments: tuple[str, ...] = RUN) -> None:
    """The stage. `told`: which process gets SIGTERM, and in which of the steps that it makes."""
    original, count = protocol.train_step, itertools.count(1)
    at = (told or {}).get(int(os.environ["RANK"]))

    def step(*given: Any) -> Any:
        if next(count) == at:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*given)

    protocol.train_step = step  # type: ignore[assignment]
    sys.argv = ["stage", *arguments]
    exit_cleanly(train)


def files() -> list[str]:
    return sorted(str(file) for folder in (paths.RUNS, paths.RESULTS, paths.WORK) for file in folder.rglob("*.*"))


def curve() -> Curve:
    found = read_result(run("curve"), Curve)
    assert found is not None
    return found


def assert_same_run(whole: Curve, weights: Path) -> None:
    """The run that is there and one that a process made alone."""
    for ours, theirs in zip(curve().epochs, whole.epochs, strict=True):
        assert ours.steps == theirs.steps
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-5)
    alone, together = (read_tensors(path)[0] for path in (weights, run("weights")))
    for name, tensor in together.items():
        assert tensor.numpy() == pytest.approx(alone[name].numpy(), abs=1e-4), name


@pytest.fixture
def whole(tokenised: Workspace) -> tuple[Curve, Path]:
    """Curve and weights that one process gives, which are taken away."""
    (one,) = Team(tokenised.folder, 1, trained).wait()
    assert one.code == 0, one.err
    assert "world_size" not in run("curve").read_text()
    made, kept = curve(), Path("alone.safetensors")
    run("weights").rename(kept)
    for name in ("curve", "clock"):
        run(name).unlink()
    return made, kept


def test_stopped_and_resumed_in_other_numbers(tokenised: Workspace, whole: tuple[Curve, Path]) -> None:
    before = files()
    first, other = Team(tokenised.folder, 2, trained, {1: 10}).wait()
    assert (first.code, other.code) == (128 + signal.SIGTERM,) * 2
    assert first.err.splitlines()[-1].startswith("stopped by SIGTERM, everything is saved")
    assert [path.name for path in paths.WORK.rglob("*.safetensors")] == ["step-000000010.safetensors"]
    (one,) = Team(tokenised.folder, 1, trained, {0: 21}).wait()
    assert f"{NAME}: going on after step 10" in one.out
    members = Team(tokenised.folder, 3, trained).wait()
    assert [member.code for member in members] == [0, 0, 0]
    assert f"{NAME}: going on after step 31" in members[0].out
    for silent in (other, *members[1:]):
        assert (silent.out, silent.err) == ("", "")
    assert_same_run(*whole)
    made = curve()
    assert [part.world_size for part in made.made_by] == [2, 1, 3]
    assert json.loads(run("clock").read_text())["provenance"]["world_size"] == 3
    assert files() == sorted([*before, *(str(run(name)) for name in ("weights", "curve", "clock"))])
    with only_writer(paths.lock("stories", "gam", 0), NAME):
        team = Team(tokenised.folder, 2, trained)
        log = tokenised.folder / ".0.err"
        while not (log.exists() and log.read_text()):
            time.sleep(0.05)
    members = team.wait()
    assert members[0].err == f"{NAME}: process {os.getpid()} is at it, waiting for it to end\n"
    assert members[0].out.startswith(f"{NAME}: trained already")
    assert (members[1].code, members[1].out, members[1].err) == (0, "", "")


def test_a_mistake_is_said_once(tokenised: Workspace) -> None:
    """One that all make at the start, and one that all find out in the middle."""
    tokenised.edit({"train": {"learning_rate": 1e30, "warmup_steps": 0, "clip_norm": 1e30}})
    for arguments, words in (((*RUN[:3], "gma", *RUN[4:]), "unknown model 'gma'"), (RUN, "error: the loss is")):
        members = Team(tokenised.folder, 2, trained, None, arguments).wait()
        assert [member.code for member in members] == [2, 2]
        (line,) = [line for member in members for line in member.err.splitlines()]
        assert words in line


KILLED = """
import itertools, os, signal
from pipeline.base.errors import exit_cleanly
from pipeline.train import main
from pipeline.training import protocol, running

original, count = protocol.train_step, itertools.count(1)
running.SAVE_EVERY = 0.0

def step(*given):
    if next(count) == 10 and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*given)

protocol.train_step = step
exit_cleanly(main)
"""


def test_one_that_dies_ends_all(tokenised: Workspace, whole: tuple[Curve, Path]) -> None:
    """Under torchrun itself. The last save is whole, and serves one process."""
    script = tokenised.folder / "killed.py"
    script.write_text(KILLED)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), *RUN]
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    done = subprocess.run(
        command, cwd=tokenised.folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode
    # Either the other one notices by itself, or torchrun tells it first.
    said = ("error: another process of this run ended", "stopped by SIGTERM, everything is saved")
    assert len([line for line in done.stderr.splitlines() if line.startswith(said)]) == 1, done.stderr
    saved = sorted(path.name for path in paths.WORK.rglob("*.safetensors"))
    assert saved == ["step-000000008.safetensors", "step-000000009.safetensors"]
    (one,) = Team(tokenised.folder, 1, trained).wait()
    assert f"{NAME}: going on after step 9" in one.out
    assert_same_run(*whole)
