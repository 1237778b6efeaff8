"""`python -m tests.acceptance.cluster` (`make cluster-check`): the grid on a real Slurm, in which things die.

Of three trainings one job is killed, one is told that its time is up, and one loses its node; the launcher is killed as
well, and called again. What comes of it is compared, byte for byte, with what `dvc repro` makes one after another.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.base import paths
from tests.acceptance.cluster.slurm import Slurm, running_slurm, why_not
from tests.acceptance.cluster.workspace import begin_grid
from tests.acceptance.workspaces import dvc, make_workspace
from tests.conftest import tiny_params

EPOCHS = 60
"""Long enough that all of it happens meanwhile."""
MODELS = ("gam", "transformer", "gam-sum-fusion")
FILES = [path("stories", model, 0) for model in MODELS for path in (paths.weights, paths.curve, paths.metrics)]
STAGES = ("evaluate", "evaluate_ablation")
KILLED, TIMED_OUT, WITHOUT_NODE = (
    "train@stories-gam-0", "train@stories-transformer-0", "ablation@stories-gam-sum-fusion-0"
)  # fmt: skip


def main() -> None:
    if (why := why_not()) is not None:
        print(f"skipped: {why}")
        return
    params = tiny_params()
    params["train"]["epochs"] = EPOCHS
    with TemporaryDirectory() as name, running_slurm() as slurm:
        serial, house = Path(name, "serial"), Path(name, "house")
        for folder in (serial, house):
            make_workspace(folder, params)
        dvc(serial, "repro", *STAGES)
        say("one after another: made")
        disturb(house, slurm)
        different = [file for file in FILES if (house / file).read_bytes() != (serial / file).read_bytes()]
        say(f"{len(FILES)} files of weights, curves and metrics, of which differ: {len(different)}")
        status = dvc(house, "status", *STAGES)
        say(f"what DVC says of them: {status.strip()}")
    sys.exit(bool(different) or "up to date" not in status)


def disturb(house: Path, slurm: Slurm) -> None:
    """Run the grid, and do all that to it."""
    launcher = begin_grid(house, slurm, *STAGES)
    saves = [paths.work("stories", model, 0) for model in MODELS]
    wait_until(lambda: all(list((house / save).rglob("step-*")) for save in saves), launcher)
    jobs = slurm.jobs("RUNNING")
    node = slurm.call("squeue", "--noheader", "--jobs", jobs[WITHOUT_NODE], "--format=%N").strip()
    slurm.kill_node(node)
    slurm.call("scancel", "--signal=KILL", jobs[KILLED])
    slurm.call("scancel", "--signal=USR2", jobs[TIMED_OUT])
    say(f"killed: the job of {KILLED}, the daemon of node {node}; time is up for {TIMED_OUT}")
    wait_until(lambda: slurm.jobs().get(KILLED) != jobs[KILLED], launcher)
    say(f"submitted again: {KILLED}")
    launcher.kill()
    launcher.communicate()
    say("killed: the launcher")
    launcher = begin_grid(house, slurm, *STAGES)
    begun = time.monotonic()
    while launcher.poll() is None:
        assert time.monotonic() - begun < 900, "the grid does not end"
        slurm.hurry()
        time.sleep(1)
    text, _ = launcher.communicate()
    print(text)
    assert launcher.returncode == 0
    for stage in (TIMED_OUT, WITHOUT_NODE):
        number = jobs[stage]
        (restarts,) = [field for field in slurm.call("scontrol", "show", "job", number).split() if "Restarts=" in field]
        say(f"{stage}, job {number}: {restarts}")
        assert restarts != "Restarts=0"


def wait_until(holds: Callable[[], bool], launcher: "subprocess.Popen[str]") -> None:
    begun = time.monotonic()
    while not holds():
        assert launcher.poll() is None, launcher.communicate()[0]
        assert time.monotonic() - begun < 300, "waited in vain"
        time.sleep(0.2)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
