"""Stages in processes of their own, forked from one that has loaded torch and the pipeline already."""

import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path

from pipeline.base import paths
from pipeline.base.errors import exit_cleanly

LOGS = paths.WORK / "logs"
"""What stages print, a file each."""
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

    def last_lines(self, number: int) -> str:
        """Of its output, set in."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-number:])

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
    FORKING.set_forkserver_preload([f"pipeline.{stage}" for stage in LOADED_BEFORE if stage in stages])


def gpus() -> list[str]:
    """Names of the GPUs that this process may use, for CUDA_VISIBLE_DEVICES; empty where there are none."""
    if (told := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in told.split(",") if name]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"^GPU \d+:.*\(UUID: (\S+)\)$", listed.stdout, re.MULTILINE)


def start(command: str, name: str, *, fresh: bool, gpu: str | None = None) -> Worker:
    """Run `python -m MODULE ARGUMENTS`. `fresh`: in a process that has loaded nothing, as if called by hand."""
    python, dash_m, module, *arguments = shlex.split(command)
    if (python, dash_m) != ("python", "-m"):
        raise ValueError(f"{name} is not run as `python -m MODULE`: {command}")
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    process = FORKING.Process(target=_run, args=(module, arguments, log, fresh, gpu), name=name)
    process.start()
    return Worker(process, log, time.monotonic(), gpu)


def wait_for_any(workers: Iterable[Worker], seconds: float) -> None:
    """Until one of them ends, or so long."""
    wait([worker.process.sentinel for worker in workers], seconds)


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
