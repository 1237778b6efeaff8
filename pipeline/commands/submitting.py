"""What is said to Slurm: jobs are submitted by submitit, and their states asked of squeue.

submitit itself would ask sacct, which a cluster without accounting does not have.
"""

import shutil
import subprocess
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.commands.handing_over import Task
from pipeline.params.cluster import SIGNAL_SECONDS, Cluster

TIMES_UP = 1000
"""How often a job may reach its time limit."""
SUBMITTED = paths.SLURM / "submitted"
"""Folder of what submitit writes: for each job its script, and the task as a pickle."""


@dataclass(frozen=True)
class Queued:
    """A job that Slurm knows of."""

    number: str
    state: str


def load_submitit() -> ModuleType:
    """Raises UserError where it or Slurm is missing."""
    for command in ("sbatch", "squeue", "srun", "scancel"):
        if shutil.which(command) is None:
            raise UserError(f"there is no Slurm here, {command} is not on PATH: call it on a machine that submits jobs")
    try:
        return import_module("submitit")
    except ImportError:
        raise UserError("jobs are submitted by the package submitit: pip install '.[cluster]'") from None


def ask_squeue() -> dict[str, Queued] | None:
    """This user's jobs in the queue, by their comments; None where Slurm does not answer."""
    command = ["squeue", "--me", "--noheader", "--format=%i|%T|%k"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (line.split("|", maxsplit=2) for line in answer.stdout.splitlines())
    return {comment: Queued(number, state) for number, state, comment in lines}


def submit(submitit: ModuleType, task: Task, comment: str, log: Path, cluster: Cluster, alone: bool) -> Queued:
    """Have Slurm call the task on a node. `alone`: with no other job there. Raises UserError where Slurm refuses."""
    log.parent.mkdir(parents=True, exist_ok=True)
    executor = submitit.SlurmExecutor(SUBMITTED, max_num_timeout=TIMES_UP)
    executor.update_parameters(
        job_name=task.name,
        comment=comment,
        partition=cluster.partition,
        account=cluster.account,
        time=cluster.minutes,
        cpus_per_task=cluster.cpus,
        gpus_per_node=cluster.gpus or None,
        mem=f"{cluster.memory_gb}G",
        setup=cluster.setup,
        signal_delay_s=SIGNAL_SECONDS,
        exclusive=alone or None,
        stderr_to_stdout=True,
        srun_args=["--output", str(log)],
        additional_parameters={"output": str(log), "requeue": True},
    )
    try:
        with redirect_stderr(StringIO()):  # where it repeats what sbatch says
            return Queued(executor.submit(task).job_id, "PENDING")
    except submitit.core.utils.FailedJobError as error:
        reasons = [line.rpartition("error: ")[2] for line in str(error).splitlines() if "error: " in line]
        raise UserError(f"Slurm refuses a job as {paths.CLUSTER} asks for it: {'; '.join(reasons) or error}") from None
