"""`python -m pipeline watch`: the trainings that run now, here and in .quickstart/: step, loss, speed and time left.

With `--tracker`, TensorBoard, DVCLive, Weights & Biases or Trackio learn of them too, and of all finished runs. Only
files are read that trainings write anyway: none of them waits for a tracker, or fails with it. Ends when nothing has
trained for a while.
"""

import argparse
import time
from collections.abc import Iterable

from pipeline.artifacts.records import EpochLosses
from pipeline.base import paths
from pipeline.base.interruption import Interruption
from pipeline.base.lock import only_writer
from pipeline.params.command_line import OneLineParser
from pipeline.watching.telling import Teller
from pipeline.watching.trackers import TRACKERS, tracker_named
from pipeline.watching.trainings import Point, Training, at_work, curve_of, curves, places, read_progress
from pipeline.watching.view import Lines, Table, make_view

LOOK_EVERY = 2.0
"""Seconds between two looks."""
PATIENCE = 120.0
"""Seconds to wait for a training where none runs: before the first and between two, other stages do."""


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", help=f"one of {', '.join(TRACKERS)}; without it, the terminal alone")
    name = parser.parse_args().tracker
    Interruption()
    view = make_view()
    if name is None:
        Watch(view, None).to_the_end()
        return
    tracker, folder = tracker_named(name), paths.TRACKED / name
    with only_writer(folder.with_suffix(".lock"), f"watching with {name}"):
        watch = Watch(view, Teller(tracker, folder))
        try:
            watch.tell_finished()
            watch.to_the_end()
        finally:
            watch.end()
            view.say(f"to look at it: {tracker.look.format(folder=folder)}")


class Watch:
    """Looks at trainings again and again."""

    def __init__(self, view: Table | Lines, teller: Teller | None) -> None:
        self.view, self.teller = view, teller
        self.known: dict[str, Training] = {}
        """Those that run, as they were when their file was last read."""

    def tell_finished(self) -> None:
        """Have the tracker know the curves of all finished runs."""
        for place in places():
            found, wrong = curves(place)
            for line in wrong:
                self.view.say(f"warning: {line}")
            for key, curve in found.items():
                self._tell(key, epochs=curve.epochs, last=True)

    def to_the_end(self) -> None:
        """Look until nothing has trained for a while."""
        since, runs = time.monotonic(), True
        while time.monotonic() - since < PATIENCE:
            ran, runs = runs, self.look()
            if runs:
                since = time.monotonic()
            elif ran:
                self.view.say(f"no training runs now: watching ends unless one begins within {PATIENCE:.0f} s")
            time.sleep(LOOK_EVERY)

    def look(self) -> bool:
        """Show those that run, tell the tracker of them, say which have ended. Whether any runs."""
        trainings = [training for place in places() for training in at_work(place)]
        keys = {training.key for training in trainings}
        for key in self.known.keys() - keys:
            self._ended(self.known.pop(key))
        for training in trainings:
            if training.progress:
                self.known[training.key] = training
                self._tell(training.key, training.progress.points, training.progress.epochs)
        self.view.show([self.known.get(training.key, training) for training in trainings])
        return bool(trainings)

    def _ended(self, training: Training) -> None:
        """What it left is told: its file, where it was stopped, and its curve, where it came to its end."""
        progress = read_progress(training.saves / paths.PROGRESS) or training.progress
        assert progress is not None
        curve = curve_of(training)
        self._tell(training.key, progress.points, curve.epochs if curve else progress.epochs, last=True)
        if curve:
            how = f"has ended, validation loss {curve.epochs[-1].validation_loss:.4f}"
        elif training.saves.exists() and progress.step < progress.total_steps:
            how = f"was stopped after step {progress.step}/{progress.total_steps}"
        else:
            how = "has ended"
        self.view.say(f"{training.name} {how}")

    def _tell(
        self, key: str, points: Iterable[Point] = (), epochs: Iterable[EpochLosses] = (), *, last: bool = False
    ) -> None:
        """Tell the tracker. One that fails is told no more."""
        if self.teller is None:
            return
        try:
            self.teller.tell(key, points, epochs)
            if last:
                self.teller.end(key)
        except Exception as error:
            self._give_up(error)

    def end(self) -> None:
        """Have the tracker close its books."""
        try:
            if self.teller:
                self.teller.end_all()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        self.view.say(f"warning: the tracker failed, and learns no more ({why}); trainings and this view go on")
        self.teller = None
