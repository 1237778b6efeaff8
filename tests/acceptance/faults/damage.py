"""Files that are not what they were, and numbers that are none."""

import random

from pipeline.base import paths
from tests.acceptance.faults.bench import (
    CLOCK,
    CURVE,
    METRICS,
    RUN,
    TRAIN_STAGE,
    WEIGHTS,
    Bench,
    begin,
    everything,
    finish,
    refuses,
    saves,
    train_snippet,
    train_to_the_end,
)
from tests.acceptance.faults.patience import end, wait_for

READERS: dict[str, tuple[str, ...]] = {
    "data/raw/stories/train.rows": ("tokenise", "--dataset", "stories"),
    "data/raw/stories/rows.json": ("tokenise", "--dataset", "stories"),
    "data/tokens/stories/counts.json": ("train", *RUN),
    "data/tokens/stories/train.ids": ("train", *RUN),
    "data/tokens/stories/validation.ids": ("train", *RUN),
    "data/tokens/stories/tokenizer.json": ("evaluate", *RUN),
    "data/tokens/stories/validation.word_starts": ("evaluate", *RUN),
    str(WEIGHTS): ("evaluate", *RUN),
    str(CURVE): ("tables",),
    str(CLOCK): ("tables",),
    str(METRICS): ("tables",),
    "results/flops.json": ("tables",),
    "results/peak/*.json": ("tables",),
    "results/timing/*.json": ("tables",),
    "results/scaling/gam/*.json": ("tables",),
}
"""Each kind of artifact, and a stage that reads it; of times and memory the name of the device is part of the path."""


def flipped_bits(bench: Bench, times: int) -> int:
    """One bit in one file: the next stage that reads it refuses it by name, and writes nothing."""
    draw, survived = random.Random(1), 0
    with bench.copy(trained=True) as house:
        for at in range(times):
            pattern, reader = list(READERS.items())[at % len(READERS)]
            (file,) = house.glob(pattern)
            name = str(file.relative_to(house))
            good = file.read_bytes()
            damaged = bytearray(good)
            damaged[draw.randrange(len(good))] ^= 1 << draw.randrange(8)
            if reader[0] == "train":
                (house / CURVE).rename(house / "curve.kept")  # a finished run would be left alone
            before = everything(house)
            file.write_bytes(damaged)
            refused = refuses(house, name, *reader)
            file.write_bytes(good)
            survived += refused and everything(house) == before
            if reader[0] == "train":
                (house / "curve.kept").rename(house / CURVE)
    return survived


def damaged_saves(bench: Bench, times: int) -> int:
    """The newest save cut short, or with a bit flipped: the one before it is taken."""
    draw, survived = random.Random(2), 0
    for at in range(times):
        with bench.copy() as house:
            process = begin(house, *train_snippet())
            wait_for(lambda house=house: len(saves(house)) == 2)  # type: ignore[misc]
            process.kill()
            end(process)
            newest = saves(house)[-1]
            content = bytearray(newest.read_bytes())
            if at % 2:
                content[draw.randrange(len(content))] ^= 1
            newest.write_bytes(content if at % 2 else content[: draw.randrange(len(content))])
            survived += "going on after step" in finish(house, "train", *RUN) and bench.is_whole(house)
    return survived


POISONED = """
import itertools
from pipeline import train
from pipeline.training import protocol as training, running
running.SAVE_EVERY = 0.0
step, count = training.train_step, itertools.count(1)
training.train_step = lambda *given: step(*given) * (float('nan') if next(count) == 40 else 1)
"""


def not_finite(bench: Bench, times: int) -> int:
    """A loss that is NaN in step 40 is named, and the save before it is good to go on from."""
    survived = 0
    for _ in range(times):
        with bench.copy() as house:
            named = refuses(house, "the loss is nan in step 40 (epoch 2, batch 11)", *train_snippet(POISONED))
            survived += named and train_to_the_end(bench, house)
    return survived


def invalid_params(bench: Bench, times: int) -> int:
    """A misspelt key: refused before DVC removes anything, whatever is asked of it."""
    commands = [["repro"], ["repro", "--single-item", "--force", "tables"], ["repro", "-s", "-f", TRAIN_STAGE]]
    survived = 0
    for at in range(times):
        with bench.copy(trained=True) as house:
            before = everything(house)
            before.pop(str(paths.PARAMS_ARE_VALID))
            file = house / "params.yaml"
            file.write_text(file.read_text().replace("n_slot:", "n_slots:", 1))
            refused = refuses(house, "n_slots is not a known key", "dvc", *commands[at % len(commands)])
            after = everything(house)
            after.pop(str(paths.PARAMS_ARE_VALID), None)
            survived += refused and after == before
    return survived


def edited_by_hand(bench: Bench, times: int) -> int:
    """A better number typed into a result: the tables refuse it, and the old ones stay."""
    edits = [
        (CURVE, '"validation_loss": '),
        (METRICS, '"loss": '),
        ("results/timing/*.json", '"seconds": [\n'),
        (CLOCK, '_seconds": '),
    ]
    survived = 0
    for pattern, place in edits[:times]:
        with bench.copy(trained=True) as house:
            (file,) = house.glob(str(pattern))
            text = file.read_text()
            at = text.index(place) + len(place)
            digit = next(i for i in range(at, len(text)) if text[i] in "123456789")
            file.write_text(text[:digit] + str(int(text[digit]) % 9 + 1) + text[digit + 1 :])
            before = everything(house)
            survived += refuses(house, str(file.relative_to(house)), "tables") and everything(house) == before
    return survived
