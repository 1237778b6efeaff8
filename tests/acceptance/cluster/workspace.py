"""The grid, called on a Slurm of the test's own."""

import subprocess
import sys
from pathlib import Path

from pipeline.commands.quickstart import dvc_environment
from tests.acceptance.cluster.slurm import Slurm

CLUSTER = "{partition: null, account: null, minutes: 30, cpus: 1, gpus: 0, memory_gb: 1, setup: [], python: null}\n"


def begin_grid(folder: Path, slurm: Slurm, *stages: str) -> "subprocess.Popen[str]":
    """`python -m pipeline grid --launcher slurm`, six jobs at a time."""
    (folder / "cluster.yaml").write_text(CLUSTER)
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", "6", "--launcher", "slurm", *stages],
        cwd=folder, env=slurm.environment | {"PATH": dvc_environment()["PATH"]},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
