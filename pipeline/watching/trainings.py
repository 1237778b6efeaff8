"""Which trainings run now, how far they are and how they ended, by the files that they leave. Nothing is touched."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, ValidationError

from pipeline.artifacts.records import Curve, EpochLosses
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import json_sha256
from pipeline.base.lock import is_held
from pipeline.params.fields import Section

SCRATCH = Path(".quickstart")
"""Folder of copies of the repository in which trainings run, too: of the quickstart and of verify."""


class Point(Section):
    """What the steps since the point before it were like."""

    step: PositiveInt
    """The last of them."""
    loss: float | None
    """Their mean, in nats per token, dropout included; null where it is not finite."""
    learning_rate: NonNegativeFloat
    """Of the last one."""
    tokens_per_second: PositiveFloat
    """Since the process began to train."""


class Progress(Section):
    """How far a training is, as its process writes it every few seconds."""

    run: str
    total_steps: PositiveInt
    seconds_left: NonNegativeFloat | None
    """Null before the first step."""
    epochs: list[EpochLosses]
    """Those that are finished."""
    points: list[Point]

    @property
    def step(self) -> int:
        """The last one that is known."""
        return max([*(point.step for point in self.points), *(epoch.steps for epoch in self.epochs)], default=0)


@dataclass(frozen=True)
class Training:
    """One that runs."""

    place: Path
    """The copy of the repository that it runs in."""
    key: str
    """Which one it is: place, text, model, seed, and the start of the hash of all that it depends on."""
    saves: Path
    """Folder of its saves, which is removed when it has come to its end."""
    progress: Progress | None
    """None where it has made no step, where its file is damaged, and in `recall`, which writes none."""

    @property
    def name(self) -> str:
        return self.progress.run if self.progress else self.key.replace("/", " ").replace("seed-", "seed ")


def places() -> list[Path]:
    """The repository, and the copies of it in which trainings may run."""
    return [Path(), *sorted(path for path in SCRATCH.glob("*") if path.is_dir())]


def at_work(place: Path) -> list[Training]:
    """The trainings whose process lives."""
    pids = sorted((place / paths.WORK).glob("*/*/*.pid"))
    return [_training(place, pid) for pid in pids if is_held(pid.with_suffix(".lock"))]


def _training(place: Path, pid: Path) -> Training:
    """That of the process which left its number in `pid`. What it writes is younger than that."""
    run = pid.with_suffix("")
    files = [file for file in run.glob(f"*/{paths.PROGRESS}") if _written(file) >= _written(pid)]
    if not files:
        return Training(place, _key(place, run.relative_to(place / paths.WORK)), run, None)
    file = max(files, key=_written)
    return Training(place, _key_of_saves(place, file.parent), file.parent, read_progress(file))


def _written(file: Path) -> float:
    """When; 0 where it has gone meanwhile."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0


def _key(place: Path, *parts: Path | str) -> str:
    return Path(*place.parts[1:], *parts).as_posix()


def _key_of_saves(place: Path, saves: Path) -> str:
    run = saves.relative_to(place / paths.WORK).parent
    return _key(place, run, saves.name[:8])


def read_progress(file: Path) -> Progress | None:
    """None where the file has gone, is half there or damaged: the next look may find a good one."""
    try:
        return Progress.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def curves(place: Path) -> tuple[dict[str, Curve], list[str]]:
    """The finished runs by the key that they had as trainings, and what is wrong with files that cannot be read."""
    found, wrong = {}, []
    for file in sorted((place / paths.RESULTS / "curves").glob("*/*/*.json")):
        try:
            curve = read_result(file, Curve)
        except UserError as error:
            wrong.append(str(error))
            continue
        if curve:
            found[key_of(place, curve)] = curve
    return found, wrong


def key_of(place: Path, curve: Curve) -> str:
    """The key of the training that ended with it."""
    depended_on = {
        "run": {"dataset": curve.dataset, "model": curve.model, "seed": curve.seed},
        "data": curve.provenance.data,
        "entry": curve.entry,
        "train": curve.train,
        "fingerprint": curve.fingerprint,
        "device_type": curve.provenance.device_type,
        "instructions": curve.provenance.instructions,
    }
    return _key_of_saves(place, place / paths.work(curve.dataset, curve.model, curve.seed) / json_sha256(depended_on))


def curve_of(training: Training) -> Curve | None:
    """The curve that a training ended with; None where there is none, as of a training of `tune`, or a damaged one."""
    run = training.saves.relative_to(training.place / paths.WORK).parent
    try:
        curve = read_result(training.place / paths.RESULTS / "curves" / f"{run}.json", Curve)
    except UserError:
        return None
    return curve if curve and key_of(training.place, curve) == training.key else None
