"""What a tracker is told: each point and each epoch of a training once, however often someone watches."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from pipeline.artifacts.records import EpochLosses
from pipeline.base.errors import UserError
from pipeline.base.files import write_json
from pipeline.watching.trackers import Tracker
from pipeline.watching.trainings import Point


class Told(TypedDict):
    """What a tracker knows of a training."""

    step: int
    """That of the last point."""
    epochs: list[int]


class Teller:
    """Tells a tracker of trainings, and notes in its folder what it was told."""

    def __init__(self, tracker: type[Tracker], folder: Path) -> None:
        self.tracker, self.folder, self.notes = tracker, folder, folder / "told.json"
        self.told: dict[str, Told] = {}
        self.open: dict[str, Tracker] = {}
        if self.notes.exists():
            try:
                self.told = json.loads(self.notes.read_bytes())
            except ValueError:
                raise UserError(f"{self.notes} is damaged: delete {folder}, and all is told anew") from None

    def tell(self, key: str, points: Iterable[Point], epochs: Iterable[EpochLosses]) -> None:
        """What is new of a training. One that was killed makes some steps again: of these nothing is told twice."""
        told = self.told.get(key) or Told(step=0, epochs=[])
        new: list[Point | EpochLosses] = [point for point in points if point.step > told["step"]]
        new += [epoch for epoch in epochs if epoch.epoch not in told["epochs"]]
        if not new:
            return
        if key not in self.open:
            self.open[key] = self.tracker(key, self.folder)
        self.told[key] = told
        try:
            for each in sorted(new, key=_step):
                self.open[key].log(_step(each), values(each))
                if isinstance(each, Point):
                    told["step"] = each.step
                else:
                    told["epochs"].append(each.epoch)
        finally:
            write_json(self.notes, self.told)

    def end(self, key: str) -> None:
        """Nothing more comes of a training, for now."""
        if key in self.open:
            self.open.pop(key).end()

    def end_all(self) -> None:
        for key in list(self.open):
            self.end(key)


def _step(each: Point | EpochLosses) -> int:
    return each.step if isinstance(each, Point) else each.steps


def values(each: Point | EpochLosses) -> dict[str, float]:
    """Numbers by the names that they have in files. A loss that is not finite is left out."""
    numbers = each.model_dump(exclude={"step", "steps", "epoch"})
    return {name: number for name, number in numbers.items() if number is not None}
