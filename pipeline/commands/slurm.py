"""Stages as jobs of Slurm. What is quick, or needs the network, runs on the launcher's machine.

A job is known by its comment: the repository's folder, the stage, and the key of what it is to do. So a launcher that
is called again finds in the queue what an earlier one submitted, and on the disk what has ended meanwhile.
"""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from signal import SIGKILL

from filelock import FileLock, Timeout

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import json_sha256
from pipeline.commands.handing_over import Task, code_sha256
from pipeline.commands.places import Work
from pipeline.commands.progress import kind
from pipeline.commands.recording import Stage
from pipeline.commands.submitting import SUBMITTED, Queued, ask_squeue, load_submitit, submit
from pipeline.commands.workers import Local
from pipeline.params.cluster import load_cluster

ON_NODES = ("train", "tune", "evaluate", "inside", "recall", "peak", "timing", "scaling")
ASKED_EVERY = 10.0
"""Seconds between two questions to Slurm."""
LATE = 15.0
"""Seconds after a job has left the queue in which the word that it left may still reach this machine."""
SUBMITTED_AGAIN = 2
"""How often a stage whose job left no word is submitted again: a node died, or somebody killed it."""


@dataclass
class Job:
    """A stage that waits in Slurm's queue, runs on a node, or has ended there."""

    task: Task
    comment: str
    alone: bool
    log: Path
    queued: Queued | None = None
    exit_code: int | None = None
    submitted_again: int = 0
    gone_since: float | None = None
    begun: float | None = None
    took: float = 0.0

    @property
    def seconds(self) -> float:
        return self.took if self.begun is None else time.monotonic() - self.begun

    @contextmanager
    def delivered(self) -> Iterator[None]:
        """Where it cannot be recorded, for want of disk or so, the folder stays for the next try."""
        try:
            self.task.take_over()
        except UserError:
            self.drop()
            raise
        yield
        self.drop()

    def drop(self) -> None:
        """Remove its folder, in which the job may still close its lock."""
        shutil.rmtree(self.task.folder, ignore_errors=True)


class Slurm:
    """Nodes of a cluster for `jobs` stages at a time, and this machine for what is quick, one at a time."""

    def __init__(self, jobs: int) -> None:
        self.submitit, self.cluster, self.code = load_submitit(), load_cluster(), code_sha256()
        self.jobs, self.house = jobs, Path.cwd()
        self.local = Local(1)
        SUBMITTED.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(paths.SLURM / "launcher.lock")
        try:
            self.lock.acquire(blocking=False)
        except Timeout:
            raise UserError(f"another launcher is at work in {self.house}: let it end, or stop it first") from None
        self.asked, self.queue = time.monotonic(), ask_squeue()
        if self.queue is None:
            raise UserError("Slurm does not answer: `squeue` tells why")
        known = {queued.number for queued in self.queue.values()}
        for file in SUBMITTED.iterdir():
            if file.name.partition("_")[0] not in known:
                file.unlink()

    def has_room(self, stage: Stage, running: Collection[Work], alone: bool) -> bool:
        jobs = [work for work in running if isinstance(work, Job)]
        if kind(stage) in ON_NODES:
            return len(jobs) < self.jobs and self.queue is not None
        return self.local.has_room(stage, [work for work in running if work not in jobs], alone)

    def start(self, stage: Stage, running: Collection[Work], alone: bool) -> Work:
        """A job that does just this may be in the queue, or have ended well, since an earlier call."""
        if kind(stage) not in ON_NODES:
            return self.local.start(stage, running, alone)
        job = self.job(stage, alone)
        self.forget_others(job)
        ended = job.task.ended()
        if ended is not None and ended.exit_code != 0:
            job.task.begin_again()
        self.look(job)
        if job.queued is not None:
            print(f"{job.task.name}: job {job.queued.number} of an earlier call", flush=True)
        elif job.exit_code is None:
            job.log.unlink(missing_ok=True)
            self.submit(job)
        return job

    def job(self, stage: Stage, alone: bool) -> Job:
        key = json_sha256([stage.cmd, [[dep.def_path, dep.hash_info.to_dict()] for dep in stage.deps]])[:16]
        name = stage.addressing
        reads, writes = ([relpath(each.fs_path) for each in side] for side in (stage.deps, stage.outs))
        command = shlex.split(self.cluster.python or shlex.quote(sys.executable)) + shlex.split(stage.cmd)[1:]
        task = Task(name, command, reads, writes, self.house, self.house / paths.SLURM / f"{name}-{key}", self.code)
        return Job(task, f"{self.house} {name} {key}", alone, self.house / paths.LOGS / f"{name}.log")

    def wait_for_any(self, running: Collection[Work], seconds: float) -> None:
        self.local.wait_for_any(running, seconds)
        if time.monotonic() - self.asked > ASKED_EVERY:
            answered = self.queue is not None
            self.asked, self.queue = time.monotonic(), ask_squeue()
            if answered and self.queue is None:
                print("Slurm does not answer: its jobs are waited for all the same", flush=True)
        for job in running:
            if isinstance(job, Job):
                self.look(job)

    def look(self, job: Job) -> None:
        """See how it is doing. Where it left the queue without a word, it is submitted again."""
        if (ended := job.task.ended()) is not None:
            job.exit_code, job.begun, job.took = ended.exit_code, None, ended.seconds
        elif self.queue is None:
            return
        elif job.comment in self.queue:
            job.queued, job.gone_since = self.queue[job.comment], None
            if job.queued.state != "RUNNING":
                job.begun = None
            elif job.begun is None:
                job.begun = time.monotonic()
        elif job.queued is not None:
            job.gone_since = job.gone_since or time.monotonic()
            if time.monotonic() - job.gone_since < LATE:
                return
            if job.submitted_again == SUBMITTED_AGAIN:
                job.exit_code = -SIGKILL
                return
            job.submitted_again += 1
            print(f"{job.task.name}: job {job.queued.number} is gone without a word, see {job.log}", flush=True)
            self.submit(job)

    def submit(self, job: Job) -> None:
        if code_sha256() != self.code:
            raise UserError("the code was changed since this launcher began: call it again, it finds what still runs")
        job.queued = submit(self.submitit, job.task, job.comment, job.log, self.cluster, job.alone)
        job.begun, job.gone_since = None, None
        if self.queue is not None:
            self.queue[job.comment] = job.queued
        print(f"{job.task.name}: job {job.queued.number}", flush=True)

    def forget_others(self, job: Job) -> None:
        """End the jobs in which this stage was to do something else, and drop what those left."""
        stage, _, _ = job.comment.rpartition(" ")
        for comment, queued in (self.queue or {}).items():
            if comment.rpartition(" ")[0] == stage and comment != job.comment:
                subprocess.run(["scancel", queued.number], check=False)
        for folder in paths.SLURM.glob(f"{job.task.name}-*"):
            if folder.name.rpartition("-")[0] == job.task.name and folder.name != job.task.folder.name:
                shutil.rmtree(folder, ignore_errors=True)

    def leave(self, running: Collection[Work]) -> None:
        """Jobs go on."""
        self.local.leave(running)
        jobs = [work for work in running if isinstance(work, Job) and work.exit_code is None and work.queued]
        if jobs:
            numbers = " ".join(job.queued.number for job in jobs if job.queued)
            print(f"Jobs go on, and the next call finds them. To end them: scancel {numbers}", flush=True)
