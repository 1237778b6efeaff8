"""Stages in processes of their own, forked from one that has loaded torch and the pipeline already."""

import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path

from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.commands.places import Work
from pipeline.commands.recording import Stage
from pipeline.machine.nvidia_smi import ask

LOADED_BEFORE = ("train", "evaluate", "inside", "fingerprint")
"""Stages that run many times. Loading them touches no GPU, and starts no thread that a fork would lose: OpenBLAS
starts its own anew."""

FORKING = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Worker:
    """A stage that is running, or has ended."""

    process: "multiprocessing.context.ForkServerProcess"
    log: Path
    started: float
    alone: bool
    gpu: str | None
    """The one that it sees; None where it sees what the launcher sees."""

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the number of the signal that killed it."""
        return self.process.exitcode

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.started

    def delivered(self) -> AbstractContextManager[None]:
        """It ran in the repository's folder: all is in its place."""
        return nullcontext()

    def stop(self) -> None:
        """SIGTERM to it and to all that it started."""
        try:
            os.killpg(self.pid, signal.SIGTERM)
        except ProcessLookupError:  # it has no session yet, or has ended
            self.process.terminate()

    def wait(self) -> None:
        """Until it and all that it started have ended."""
        self.process.join()
        with suppress(ProcessLookupError):
            while True:
                os.killpg(self.pid, 0)
                time.sleep(0.1)


def load_before(stages: Collection[str]) -> None:
    """Have workers find the modules of these loaded, of those that run many times. Call before the first is started."""
    modules = [f"pipeline.{stage}" for stage in LOADED_BEFORE if stage in stages]
    FORKING.set_forkserver_preload(["pipeline.commands.own_session", *modules])


def gpus() -> list[str]:
    """Names of the GPUs that this process may use, for CUDA_VISIBLE_DEVICES; empty where there are none."""
    if (told := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in told.split(",") if name]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"^GPU \d+:.*\(UUID: (\S+)\)$", listed.stdout, re.MULTILINE)


def free_memory(name: str) -> float:
    """MiB that a GPU has left, beside what other programs hold; 0 where it does not tell."""
    try:
        return float(ask(name, "memory.free")["memory.free"])
    except (KeyError, ValueError):
        return 0.0


class Local:
    """This machine, where `jobs` stages may run at a time. With GPUs each runs on the one that has the fewest of them,
    and of these on the one with the most free memory.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs, self.gpus = jobs, gpus()

    def has_room(self, stage: Stage, running: Collection[Work], alone: bool) -> bool:  # noqa: ARG002  # Slurm asks which
        return not running or not alone and len(running) < self.jobs and not any(work.alone for work in running)

    def start(self, stage: Stage, running: Collection[Work], alone: bool) -> Worker:
        busy = [worker.gpu for worker in running if isinstance(worker, Worker)]
        fewest = min(map(busy.count, self.gpus), default=0)
        free = [name for name in self.gpus if busy.count(name) == fewest]
        chosen = max(free, key=free_memory) if len(free) > 1 else next(iter(free), None)
        return start(stage.cmd, stage.addressing, alone=alone, gpu=chosen)

    def wait_for_any(self, running: Collection[Work], seconds: float) -> None:
        wait([worker.process.sentinel for worker in running if isinstance(worker, Worker)], seconds)

    def leave(self, running: Collection[Work]) -> None:
        """End them all, saved."""
        workers = [worker for worker in running if isinstance(worker, Worker)]
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.wait()


def start(command: str, name: str, *, alone: bool, gpu: str | None = None) -> Worker:
    """Run `python -m MODULE ARGUMENTS`. `alone`: in a process that has loaded nothing, as if called by hand."""
    python, dash_m, module, *arguments = shlex.split(command)
    if (python, dash_m) != ("python", "-m"):
        raise ValueError(f"{name} is not run as `python -m MODULE`: {command}")
    log = paths.LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    process = FORKING.Process(target=_run, args=(module, arguments, log, alone, gpu), name=name)
    process.start()
    return Worker(process, log, time.monotonic(), alone, gpu)


def _run(module: str, arguments: list[str], log: Path, fresh: bool, gpu: str | None) -> None:
    """The stage as `python -m` runs it. In a session of its own: Ctrl-C is for the launcher, which passes it on."""
    os.setsid()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    with log.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    if fresh:
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
    sys.argv = [module, *arguments]
    exit_cleanly(import_module(module).main)
