"""Runs what is out of date in dvc.yaml, several stages at a time, each as soon as what it needs is there.

A stage that fails stops only those that need it; a training that fails is tried once more, with nothing beside it,
since it may have wanted memory. The tables and figures come last, from what is there. Ctrl-C and SIGTERM start no more,
reach all that run on this machine, and end this process when those have saved themselves. What DVC is to know of a
stage is recorded here alone, wherever it ran.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from dvc.exceptions import DvcException

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.interruption import Interruption
from pipeline.commands.places import Place, Work, how_it_ended
from pipeline.commands.progress import Progress, kind, label
from pipeline.commands.recording import (
    ChangedMeanwhileError,
    Stage,
    begin,
    graph_of_stages,
    is_out_of_date,
    record,
    reserved,
    save,
)
from pipeline.commands.slurm import Slurm
from pipeline.commands.workers import Local, load_before

Launcher = Literal["local", "slurm"]
"""Where stages run: on this machine, or as jobs of Slurm."""

ALONE = ("peak", "timing", "scaling")
"""Measure time or memory: nothing runs beside them, and they are started afresh."""
LAST = ("tables", "figures")
"""Show what is there, so they need no stage to have ended well."""
TRIED_AGAIN = ("train", "tune")


@dataclass
class Running:
    """A stage at work."""

    work: Work
    inputs: list[Any]
    """What it read when it began."""
    reservation: ExitStack


class Launch:
    """Stages that wait for others, are ready, run, and have ended."""

    def __init__(self, needs: dict[Stage, set[Stage]], jobs: int, place: Place) -> None:
        self.needs, self.jobs, self.place = needs, jobs, place
        self.kinds = list(dict.fromkeys(map(kind, needs)))
        self.waiting = list(needs)
        self.ready: list[Stage] = []
        self.running: dict[Stage, Running] = {}
        self.well: set[Stage] = set()
        self.failed: list[Stage] = []
        self.skipped: list[Stage] = []
        self.again: set[Stage] = set()
        self.progress = Progress()

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
        """A stage that may start now: those that want to be alone come last, when nothing else is left to start."""
        # An evaluation before the next training: what is there is seen early, and all kinds are soon measured.
        order = sorted(self.ready, key=lambda stage: (self.is_alone(stage), -self.kinds.index(kind(stage))))
        fits = (stage for stage in order if self.place.has_room(stage, self.at_work(), self.is_alone(stage)))
        return next(fits, None)

    @contextmanager
    def reservations(self) -> Iterator[None]:
        """Give back those of all that still runs, however the context ends."""
        try:
            yield
        finally:
            for run in self.running.values():
                run.reservation.close()

    def at_work(self) -> list[Work]:
        return [run.work for run in self.running.values()]

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
            work = self.place.start(stage, self.at_work(), self.is_alone(stage))
            self.running[stage] = Running(work, inputs, reservation.pop_all())

    def collect(self, *, interrupted: bool = False) -> None:
        """Record those that ended well, and show what the others said, unless they were told to stop."""
        ended = {stage: run for stage, run in self.running.items() if run.work.exit_code is not None}
        with ExitStack() as reservations:
            for stage, run in ended.items():
                del self.running[stage]
                reservations.push(run.reservation)
            for stage, run in ended.items():
                if run.work.exit_code and not interrupted:
                    self.fail(stage, how_it_ended(run.work))
            self.record({stage: run for stage, run in ended.items() if run.work.exit_code == 0})

    def record(self, ended: dict[Stage, Running]) -> None:
        """All that can be recorded, together."""
        seconds = {stage: run.work.seconds for stage, run in ended.items()}
        saved: list[Stage] = []
        try:
            with ExitStack() as delivered:
                saved += [stage for stage, run in ended.items() if self.save(stage, run, delivered)]
                record(saved)
        except (DvcException, OSError) as error:
            for stage in saved:
                self.fail(stage, f"is not recorded: {error}")
            return
        for stage in saved:
            self.well.add(stage)
            self.progress.ended(stage, seconds[stage])
            self.show(f"{label(stage)}: {seconds[stage]:.0f} s")

    def save(self, stage: Stage, run: Running, delivered: ExitStack) -> bool:
        """Whether it can be recorded. What it wrote lies in its place then, while `delivered` lasts."""
        try:
            with ExitStack() as delivery:
                delivery.enter_context(run.work.delivered())
                save(stage, run.inputs)
                delivered.push(delivery.pop_all())
        except ChangedMeanwhileError:
            self.fail(stage, "is not recorded: what it reads was changed while it ran")
        except (DvcException, OSError, UserError) as error:
            self.fail(stage, f"is not recorded: {error}")
        else:
            return True
        return False

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
        at_work = {stage: run.work.seconds for stage, run in self.running.items()}
        first, *more = text.splitlines()
        line = self.progress.line(first, at_work, together, alone, self.jobs, len(self.failed))
        print(line, *more, sep="\n", flush=True)


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


def launch(jobs: int, names: list[str], launcher: Launcher = "local") -> bool:
    """Run all that is out of date, `jobs` stages at a time; whether all ended well. Of what is named, where it is."""
    interruption = Interruption()
    place = Slurm(jobs) if launcher == "slurm" else Local(jobs)
    with graph_of_stages() as graph:
        needs = only(names, graph) if names else graph
        interruption.unsaved = True
        state = Launch(needs, jobs, place)
        state.settle()
        load_before({kind(stage) for stage in (*state.ready, *state.waiting)})
        if state.ready:
            print(
                f"Up to {len(state.ready) + len(state.waiting)} stages to run; output: {paths.LOGS.absolute()}/",
                flush=True,
            )
        else:
            print("Nothing to run: no stage has changed.")
        with state.reservations():
            while interruption.number is None:
                while interruption.number is None and (stage := state.next_to_start()):
                    state.start(stage)
                    state.settle()
                if not state.running:
                    break
                place.wait_for_any(state.at_work(), seconds=0.5)
                state.collect()
                state.settle()
            place.leave(state.at_work())
            state.collect(interrupted=True)
    interruption.unsaved = False
    if interruption.number is not None:
        interruption.stop()
    for what, stages in (("failed", state.failed), ("not run, since they need one that failed", state.skipped)):
        if stages:
            print(f"error: {what}: {', '.join(stage.addressing for stage in stages)}", file=sys.stderr)
    return not state.failed
