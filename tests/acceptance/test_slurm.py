"""The grid on a real Slurm, started for the test. `make cluster-check` does more to a larger one."""

import shutil
import time
from pathlib import Path

import pytest

from pipeline.base import paths
from tests.acceptance.cluster.slurm import running_slurm, why_not
from tests.acceptance.cluster.workspace import begin_grid
from tests.acceptance.workspaces import dvc

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no Slurm can be started here: {why_not()}")
MODELS = ("transformer", "gam", "gam-sum-fusion")


def test_launcher_and_job_killed(made: Path, house: Path) -> None:
    """The second call finds the jobs that live and submits the one that died; all give what `dvc repro` gave."""
    files = [path("stories", model, 0) for model in MODELS for path in (paths.weights, paths.curve, paths.metrics)]
    for file in files:
        (house / file).unlink()
    shutil.rmtree(house / ".dvc/cache")  # or DVC would bring them back
    with running_slurm() as slurm:
        launcher = begin_grid(house, slurm, "evaluate", "evaluate_ablation")
        while len(slurm.jobs("RUNNING")) < len(MODELS):
            assert launcher.poll() is None
            time.sleep(0.1)
        launcher.kill()
        launcher.communicate()
        slurm.call("scancel", "--signal=KILL", slurm.jobs()["train@stories-gam-0"])
        while "train@stories-gam-0" in slurm.jobs("RUNNING", "COMPLETING"):
            time.sleep(0.1)
        launcher = begin_grid(house, slurm, "evaluate", "evaluate_ablation")
        text, _ = launcher.communicate(timeout=300)
        assert launcher.returncode == 0, text
        names = slurm.call("squeue", "--noheader", "--states=all", "--Format=Name:80").split()
    assert all((house / file).read_bytes() == (made / file).read_bytes() for file in files)
    trained = ["train@stories-gam-0", "train@stories-gam-0", "train@stories-transformer-0"]
    evaluated = ["evaluate@stories-gam-0", "evaluate@stories-transformer-0"]
    ablation = ["ablation@stories-gam-sum-fusion-0", "evaluate_ablation@stories-gam-sum-fusion-0"]
    assert sorted(names) == sorted(trained + evaluated + ablation)
    status = dvc(house, "status", *trained, *evaluated, *ablation)
    assert status == "Data and pipelines are up to date.\n"
