"""Runs what is out of date in dvc.yaml, several stages at a time, each as soon as what it needs is there.

A stage that fails stops only those that need it; a training that fails is tried once more, with nothing beside it,
since it may have wanted memory. The tables and figures come last, from what is there. Ctrl-C and SIGTERM start no more,
reach all that run, and end this process when those have saved themselves.
"""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from dvc.exceptions import DvcException

from pipeline.base.errors import UserError
from pipeline.base.interruption import Interruption
from pipeline.commands import workers
from pipeline.commands.progress import Progress, kind, label
from pipeline.commands.recording import (
    ChangedMeanwhileError,
    Stage,
    begin,
    graph_of_stages,
    is_out_of_date,
    record,
    reserved,
)

ALONE = ("peak", "timing", "scaling")
"""Measure time or memory: nothing runs beside them, and they are started afresh."""
LAST = ("tables", "figures")
"""Show what is there, so they need no stage to have ended well."""
TRIED_AGAIN = ("train", "tune")
SHOWN = 15
"""Last lines of the output of a stage that failed."""


@dataclass
class Running:
    """A stage at work."""

    worker: workers.Worker
    inputs: list[Any]
    """What it read when it began."""
    reservation: ExitStack


class Launch:
    """Stages that wait for others, are ready, run, and have ended."""

    def __init__(self, needs: dict[Stage, set[Stage]], jobs: int) -> None:
        self.needs, self.jobs = needs, jobs
        self.kinds = list(dict.fromkeys(map(kind, needs)))
        self.waiting = list(needs)
        self.ready: list[Stage] = []
        self.running: dict[Stage, Running] = {}
        self.well: set[Stage] = set()
        self.failed: list[Stage] = []
        self.skipped: list[Stage] = []
        self.again: set[Stage] = set()
        self.progress = Progress()
        self.gpus = workers.gpus()

    def settle(self) -> None:
        """See which of the waiting have all that they need: of these, some are as recorded, and count as made."""
        before = None
        while before != len(self.waiting):
            before = len(self.waiting)
            for stage in list(self.waiting):
                stopped = self.needs[stage] & {*self.failed, *self.skipped}
                if stopped and kind(stage) not in LAST:
                    self.waiting.remove(stage)
                    self.skipped.append(stage)
                elif self.needs[stage] - stopped <= self.well:
                    self.waiting.remove(stage)
                    try:
                        (self.ready.append if is_out_of_date(stage) else self.well.add)(stage)
                    except DvcException as error:
                        self.fail(stage, f"cannot start: {error}")

    def next_to_start(self) -> Stage | None:
        """A stage that may start now."""
        together = [stage for stage in self.ready if not self.is_alone(stage)]
        if together:
            may = len(self.running) < self.jobs and not any(map(self.is_alone, self.running))
            # An evaluation before the next training: what is there is seen early, and all kinds are soon measured.
            return max(together, key=lambda stage: self.kinds.index(kind(stage))) if may else None
        return self.ready[0] if self.ready and not self.running else None

    def is_alone(self, stage: Stage) -> bool:
        return kind(stage) in ALONE or stage in self.again

    def start(self, stage: Stage) -> None:
        self.ready.remove(stage)
        with ExitStack() as reservation:
            try:
                reservation.enter_context(reserved(stage))
                inputs = begin(stage)
            except DvcException as error:
                self.fail(stage, f"cannot start: {error}")
                return
            worker = workers.start(stage.cmd, stage.addressing, fresh=kind(stage) in ALONE, gpu=self.free_gpu())
            self.running[stage] = Running(worker, inputs, reservation.pop_all())

    def free_gpu(self) -> str | None:
        """The one on which the fewest stages run; None where there are none."""
        busy = [run.worker.gpu for run in self.running.values()]
        return min(self.gpus, key=busy.count, default=None)

    def collect(self, *, interrupted: bool = False) -> None:
        """Record those that ended well, and show what the others said, unless they were told to stop."""
        for stage, run in list(self.running.items()):
            code = run.worker.exit_code
            if code is None:
                continue
            del self.running[stage]
            with run.reservation:
                if code == 0:
                    self.record(stage, run)
                elif not interrupted:
                    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
                    self.fail(
                        stage, f"{how}, its output is in {run.worker.log.absolute()}:\n{run.worker.last_lines(SHOWN)}"
                    )

    def record(self, stage: Stage, run: Running) -> None:
        seconds = run.worker.seconds
        try:
            record(stage, run.inputs)
        except ChangedMeanwhileError:
            self.fail(stage, "is not recorded: what it reads was changed while it ran")
        except (DvcException, OSError) as error:
            self.fail(stage, f"is not recorded: {error}")
        else:
            self.well.add(stage)
            self.progress.ended(stage, seconds)
            self.show(f"{label(stage)}: {seconds:.0f} s")

    def fail(self, stage: Stage, why: str) -> None:
        if kind(stage) in TRIED_AGAIN and stage not in self.again:
            self.again.add(stage)
            self.ready.append(stage)
            print(f"{label(stage)} {why}\nIt is tried once more later, with nothing beside it.", flush=True)
            return
        self.failed.append(stage)
        self.show(f"{label(stage)} {why}")

    def show(self, text: str) -> None:
        """A line with how far all is, and what else there is to say below it."""
        together = [stage for stage in [*self.ready, *self.waiting] if not self.is_alone(stage)]
        alone = [stage for stage in [*self.ready, *self.waiting] if self.is_alone(stage)]
        at_work = {stage: run.worker.seconds for stage, run in self.running.items()}
        first, *more = text.splitlines()
        print(self.progress.line(first, at_work, together, alone, self.jobs), *more, sep="\n", flush=True)


def only(names: list[str], graph: dict[Stage, set[Stage]]) -> dict[Stage, set[Stage]]:
    """The stages of these names, and all that they need. Raises UserError for a name that dvc.yaml does not have."""
    wanted: set[Stage] = set()
    for name in names:
        found = {stage for stage in graph if name in (stage.addressing, stage.addressing.partition("@")[0])}
        if not found:
            raise UserError(f"command line: dvc.yaml has no stage {name!r}; `dvc stage list` names them all")
        wanted |= found
    grown = wanted
    while grown:
        grown = {need for stage in grown for need in graph[stage]} - wanted
        wanted |= grown
    return {stage: needs for stage, needs in graph.items() if stage in wanted}


def launch(jobs: int, names: list[str]) -> bool:
    """Run all that is out of date, `jobs` stages at a time; whether all ended well. Of what is named, where it is."""
    interruption = Interruption()
    with graph_of_stages() as graph:
        needs = only(names, graph) if names else graph
        interruption.unsaved = True
        state = Launch(needs, jobs)
        state.settle()
        workers.load_before({kind(stage) for stage in (*state.ready, *state.waiting)})
        if state.ready:
            print(
                f"Up to {len(state.ready) + len(state.waiting)} stages to run; output: {workers.LOGS.absolute()}/",
                flush=True,
            )
        else:
            print("Nothing to run: no stage has changed.")
        while interruption.number is None:
            while interruption.number is None and (stage := state.next_to_start()):
                state.start(stage)
                state.settle()
            if not state.running:
                break
            workers.wait_for_any([run.worker for run in state.running.values()], seconds=0.5)
            state.collect()
            state.settle()
        for run in state.running.values():
            run.worker.stop()
        for run in state.running.values():
            run.worker.wait()
        state.collect(interrupted=True)
    interruption.unsaved = False
    if interruption.number is not None:
        interruption.stop()
    for what, stages in (("failed", state.failed), ("not run, since they need one that failed", state.skipped)):
        if stages:
            print(f"error: {what}: {', '.join(stage.addressing for stage in stages)}", file=sys.stderr)
    return not state.failed
