"""`python -m pipeline grid --jobs n`: the whole graph, n trainings at a time, each a `dvc repro` of its own.

A stage that fails stops only those that need it. A training that failed is tried once more, alone, where DVC then
names it; the tables are made from what is there.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from dvc.repo import Repo
from networkx import descendants

from pipeline.base.errors import UserError
from pipeline.base.interruption import Interruption
from pipeline.params.command_line import OneLineParser

TRAINING = "python -m pipeline.train "
"""How the command of a stage begins that trains a model."""


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", required=True, type=int)
    jobs = parser.parse_args().jobs
    if jobs < 1:
        raise UserError(f"command line: --jobs must be at least 1, got {jobs}")
    interruption = Interruption()
    sources, _ = to_make()
    if sources:
        run_dvc([["repro", "--keep-going", *sources]], 1, interruption)
    _, trainings = to_make()
    run_dvc([["repro", "--single-item", training] for training in trainings], jobs, interruption)
    whole = run_dvc([["repro", "--keep-going"]], 1, interruption)
    tables = run_dvc([["repro", "--single-item", "tables", "figures"]], 1, interruption)
    sys.exit(not (whole and tables))


def to_make() -> tuple[list[str], list[str]]:
    """Names of stages that are not as recorded: those that trainings wait for, and trainings that wait for none."""
    with Repo() as repo:
        graph, changed = repo.index.graph, repo.status()

        def is_made(stage: Any) -> bool:
            return all(needed.addressing not in changed for needed in {stage, *descendants(graph, stage)})

        trainings = [stage for stage in repo.index.stages if stage.cmd.startswith(TRAINING)]
        missing = {source for training in trainings for source in graph.successors(training) if not is_made(source)}
        ready = [stage for stage in trainings if stage.addressing in changed and missing.isdisjoint(graph[stage])]
        return sorted(stage.addressing for stage in missing), [stage.addressing for stage in ready]


def run_dvc(commands: Iterable[list[str]], jobs: int, interruption: Interruption) -> bool:
    """Run DVC with each list of arguments, `jobs` at a time; whether all ended well.

    Ctrl-C and SIGTERM start no more, reach all that run, and end this process when those have saved themselves.
    """
    waiting, running, failures = deque(commands), list[subprocess.Popen[bytes]](), 0
    interruption.unsaved = True
    while (waiting or running) and interruption.number is None:
        failures += sum(process.poll() not in (None, 0) for process in running)
        running = [process for process in running if process.returncode is None]
        while waiting and len(running) < jobs:
            command = [sys.executable, "-m", "dvc", "--wait-for-lock", *waiting.popleft()]
            running.append(subprocess.Popen(command, start_new_session=True))
        time.sleep(0.1)
    # DVC takes Ctrl-C for a failure of the stage, and goes on with the next one; of SIGTERM it dies.
    for process in running:
        os.killpg(process.pid, signal.SIGTERM)
    for process in running:
        wait_for_group(process)
    interruption.unsaved = False
    if interruption.number is not None:
        interruption.stop()
    return failures == 0


def wait_for_group(process: "subprocess.Popen[bytes]") -> None:
    """Until a process and all that it started have ended."""
    process.wait()
    with suppress(ProcessLookupError):
        while True:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
