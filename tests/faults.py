"""`python -m tests.faults` (`make faults`): injects faults into small runs, and counts what is lost.

Every fault is a function that injects it a number of times, and returns how often a run survived it: it ended with the
bytes of an undisturbed run, or the fault was refused by name and nothing that was there had changed.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment, merge, prepare
from tests.conftest import tiny_params
from tests.test_hub import FAULTS as HUB_FAULTS

NAMES: dict[str, object] = {"dataset": "stories", "model": "gam", "seed": 0}
RUN = ["--dataset", "stories", "--model", "gam", "--seed", "0"]
TRAIN_STAGE = "train@stories-gam-0"
WEIGHTS, CURVE, CLOCK, METRICS = (
    path(**NAMES)  # type: ignore[operator]
    for path in (paths.weights, paths.curve, paths.clock, paths.metrics)
)
SAVE_OFTEN = "from pipeline import train; train.SAVE_EVERY = 0.0"
LONGEST = 120.0
"""Seconds after which a process counts as hanging."""


class NotInjectedError(Exception):
    """This machine does not let us; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one fault."""

    fault: str
    injected: int
    survived: int
    remark: str = ""


@dataclass(frozen=True)
class Bench:
    """A workspace with everything made once, and what its run gave undisturbed. Faults work on copies of it."""

    folder: Path
    outputs: tuple[bytes, bytes]

    @contextmanager
    def copy(self, *, trained: bool = False) -> Iterator[Path]:
        """A copy in which the run is still to be made, unless it is asked for."""
        with TemporaryDirectory(dir=self.folder.parent) as name:
            copy = Path(name, "house")
            shutil.copytree(self.folder, copy, symlinks=True, ignore=shutil.ignore_patterns("work"))
            if not trained:
                for output in (WEIGHTS, CURVE, CLOCK, METRICS):
                    (copy / output).unlink()
            yield copy

    def is_whole(self, copy: Path) -> bool:
        """Whether the run in the copy ended with the bytes of the undisturbed one."""
        return outputs(copy) == self.outputs


def make_bench(folder: Path) -> Bench:
    """A run of some seconds."""
    overlay = folder / "overlay.yaml"
    overlay.write_text("{}")
    house = folder / "bench"
    prepare(house, overlay)
    params = merge(tiny_params(), {"train": {"epochs": 6}})
    YAML().dump(params, house / "params.yaml")
    finish(house, "dvc", "init", "--quiet", "--no-scm")
    finish(house, "dvc", "repro", "evaluate@stories-gam-0")
    for stage in (["timing"], ["scaling", "--model", "gam"], ["tables"]):  # by DVC they would come with the whole grid
        finish(house, *stage)
    return Bench(house, outputs(house))


def outputs(house: Path) -> tuple[bytes, bytes]:
    files = [house / WEIGHTS, house / CURVE]
    return tuple(file.read_bytes() if file.exists() else b"" for file in files)  # type: ignore[return-value]


def begin(house: Path, *command: str) -> "subprocess.Popen[str]":
    """Start `dvc ...`, a stage with its options, or a snippet of Python (after "-c")."""
    module = (
        ["-m", "dvc"] if command[0] == "dvc" else ["-c"] if command[0] == "-c" else ["-m", f"pipeline.{command[0]}"]
    )
    return subprocess.Popen(
        [sys.executable, *module, *command[1:]], cwd=house, env=dvc_environment() | {"PYTHONPATH": str(house)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and all output."""
    text, _ = process.communicate(timeout=LONGEST)
    return process.returncode, text


def finish(house: Path, *command: str) -> str:
    """Run to the end, which must be a good one."""
    code, text = end(begin(house, *command))
    if code:
        raise RuntimeError(f"{command} ended with {code}: {text}")
    return text


def refuses(house: Path, named: str, *command: str) -> bool:
    """Whether a command ends with one line that names what is wrong; DVC adds a line of its own."""
    code, text = end(begin(house, *command))
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    expected = 1 if command[0] == "dvc" else 2
    return code in (expected, 2, 255) and len(errors) == 1 and named in errors[0] and "Traceback" not in text


def train_snippet(patch: str = SAVE_OFTEN) -> list[str]:
    return ["-c", f"{patch}\nfrom pipeline.base.errors import exit_cleanly\nexit_cleanly(train.main)", *RUN]


def wait_for(found: Callable[[], object]) -> None:
    """Until something is there, or so long that it will not come."""
    deadline = time.monotonic() + LONGEST
    while not found():
        if time.monotonic() > deadline:
            raise RuntimeError("what was waited for did not come")
        time.sleep(0.005)


def saves(house: Path) -> list[Path]:
    return sorted((house / "work").rglob("step-*.safetensors"))


def train_to_the_end(bench: Bench, house: Path) -> bool:
    finish(house, "train", *RUN)
    return bench.is_whole(house) and not saves(house)


def killed_at_random(bench: Bench, times: int) -> int:
    """SIGKILL at random moments, several to a run, which then goes to its end."""
    draw, survived = random.Random(0), 0
    while times:
        kills = min(times, 5)
        times -= kills
        with bench.copy() as house:
            for _ in range(kills):
                process = begin(house, *train_snippet())
                time.sleep(draw.uniform(0.2, 4.0))
                process.kill()
                end(process)
            survived += kills * train_to_the_end(bench, house)
    return survived


KILL = "os.kill(os.getpid(), signal.SIGKILL)"
MOMENTS_OF_A_SAVE = [
    f"tensors.save_file = lambda *given: (open(given[1], 'wb').write(b'x' * 1000), {KILL})",
    f"files._sync = lambda path: {KILL} if counted() else sync(path)",
    f"Path.replace = lambda *given: {KILL}",
    f"Path.replace = lambda *given: (os.replace(*given), {KILL})",
    f"Path.unlink = lambda *given, **named: {KILL}",
]
"""Half-way through writing; between the syncs; before and after the renaming; before an older save is removed."""


def killed_in_a_save(bench: Bench, times: int) -> int:
    survived = 0
    head = (
        "import itertools, os, signal; from pathlib import Path\nfrom pipeline import files, tensors, train\n"
        "train.SAVE_EVERY = 0.0\nsync, count = files._sync, itertools.count()\n"
        "def counted(): return next(count) == 5\n"
        "original = train.save\n"
        "def save(folder, state, made_by):\n"
        "    if state.steps == 20: patch()\n"
        "    original(folder, state, made_by)\n"
        "train.save = save\n"
    )
    for moment in MOMENTS_OF_A_SAVE[:times]:
        with bench.copy() as house:
            names, values = moment.split(" = ", 1)
            patch = f"{head}def patch(): {names} = {values}"
            process = begin(house, *train_snippet(patch))
            code, _ = end(process)
            survived += code == -signal.SIGKILL and train_to_the_end(bench, house)
    return survived


def stopped(bench: Bench, times: int, number: signal.Signals) -> int:
    """Told to stop in the middle: gone within 10 s, and nothing is made twice."""
    survived = 0
    for at in range(times):
        with bench.copy() as house:
            process = begin(house, *train_snippet())
            wait_for(lambda house=house: saves(house))  # type: ignore[misc]
            time.sleep(0.3 * at)
            os.kill(process.pid, number)
            started = time.monotonic()
            code, text = end(process)
            quick = time.monotonic() - started < 10
            survived += (
                quick and code == 128 + number and "everything is saved" in text and train_to_the_end(bench, house)
            )
    return survived


def dvc_killed(bench: Bench, times: int) -> int:
    """DVC dies, its training goes on; `dvc repro` at once waits for it, and takes what it made."""
    survived = 0
    for _ in range(times):
        with bench.copy() as house:
            parent = begin(house, "dvc", "repro", TRAIN_STAGE)
            pid = (house / paths.lock("stories", "gam", 0)).with_suffix(".pid")
            wait_for(lambda pid=pid: pid.exists() and pid.read_text())  # type: ignore[misc]
            training = int(pid.read_text())
            os.kill(training, signal.SIGSTOP)  # or it would be done before the other is there
            parent.kill()
            parent.wait()
            again = begin(house, "dvc", "repro", TRAIN_STAGE)
            assert again.stdout is not None
            seen = next((line for line in again.stdout if "waiting for it to end" in line), "")
            os.kill(training, signal.SIGCONT)
            code, text = end(again)
            parent.communicate()
            survived += code == 0 and f"process {training} is at it" in seen and "trained already" in text
            survived -= not bench.is_whole(house)
    return survived


def two_at_once(bench: Bench, times: int) -> int:
    """Two `dvc repro`: each ends well or says that the other is at it, and afterwards all is there."""
    survived = 0
    for _ in range(times):
        with bench.copy() as house:
            both = [begin(house, "dvc", "repro", TRAIN_STAGE) for _ in range(2)]
            ends = [end(process) for process in both]
            clear = all(code == 0 or "lock" in text or "is busy" in text for code, text in ends)
            nothing_left = "Running stage" not in finish(house, "dvc", "repro", TRAIN_STAGE)
            survived += clear and any(code == 0 for code, _ in ends) and nothing_left and bench.is_whole(house)
    return survived


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotInjectedError(f"mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_disk(bench: Bench, times: int) -> int:
    """Too small from the start; or filled by someone else during the training, and emptied again."""
    survived = 0
    for at in range(times):
        with bench.copy() as house, mounted(house / "work", "size=128k" if at % 2 else "size=3m"):
            if at % 2:
                survived += refuses(house, "MiB of disk", "train", *RUN) and not saves(house)
                continue
            process = begin(house, *train_snippet())
            wait_for(lambda house=house: saves(house))  # type: ignore[misc]
            filler = house / "work/filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"0" * 4096)
            code, text = end(process)
            filler.unlink(missing_ok=True)
            said = code == 2 and "No space left on device: free some space" in text and "Traceback" not in text
            survived += said and train_to_the_end(bench, house)
    return survived


def read_only(bench: Bench, times: int) -> int:
    survived = 0
    for folder in ("work", "runs", "results/curves/stories/gam", "paper_tables")[:times]:
        with bench.copy() as house:
            stage = ["tables"] if folder == "paper_tables" else ["train", *RUN]
            shutil.rmtree(house / folder, ignore_errors=True)
            with mounted(house / folder, "ro"):
                refused = refuses(house, "Read-only file system", *stage)
            survived += refused and (stage == ["tables"] or train_to_the_end(bench, house))
    return survived


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
    str(paths.TIMING): ("tables",),
    str(paths.scaling("gam")): ("tables",),
}
"""Each kind of artifact, and a stage that reads it."""


def flipped_bits(bench: Bench, times: int) -> int:
    """One bit in one file: the next stage that reads it refuses it by name, and writes nothing."""
    draw, survived = random.Random(1), 0
    with bench.copy(trained=True) as house:
        for at in range(times):
            name, reader = list(READERS.items())[at % len(READERS)]
            file = house / name
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


def everything(house: Path) -> dict[str, bytes]:
    """All data, results and tables."""
    folders = [house / name for name in ("data", "runs", "results", "paper_tables")]
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(house)): file.read_bytes() for file in files}


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
from pipeline.training import protocol as training
train.SAVE_EVERY = 0.0
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
        (paths.TIMING, '"seconds": [\n'),
        (CLOCK, '_seconds": '),
    ]
    survived = 0
    for name, place in edits[:times]:
        with bench.copy(trained=True) as house:
            text = (house / name).read_text()
            at = text.index(place) + len(place)
            digit = next(i for i in range(at, len(text)) if text[i] in "123456789")
            (house / name).write_text(text[:digit] + str(int(text[digit]) % 9 + 1) + text[digit + 1 :])
            before = everything(house)
            survived += refuses(house, str(name), "tables") and everything(house) == before
    return survived


def failing_hub(_bench: Bench, times: int) -> int:
    """Every failure that the tests of the download know, from a Hub on 127.0.0.1."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_hub.py", "-k", "_fault"]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    found = {kind: int(count) for count, kind in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    if sum(found.values()) != times:
        raise RuntimeError(f"{found} in place of {times} tests: {done.stdout}")
    return found.get("passed", 0)


FAULTS: dict[str, tuple[Callable[[Bench, int], int], int]] = {
    "training killed at a random moment (SIGKILL)": (killed_at_random, 20),
    "training killed inside a save (SIGKILL)": (killed_in_a_save, 5),
    "training told to stop (SIGTERM)": (lambda bench, times: stopped(bench, times, signal.SIGTERM), 3),
    "training interrupted (Ctrl-C)": (lambda bench, times: stopped(bench, times, signal.SIGINT), 3),
    "DVC killed, its training alive": (dvc_killed, 2),
    "two `dvc repro` at once": (two_at_once, 2),
    "full disk": (full_disk, 4),
    "read-only folder": (read_only, 4),
    "flipped bit in an artifact": (flipped_bits, 20),
    "damaged save": (damaged_saves, 4),
    "NaN in a step": (not_finite, 1),
    "invalid params.yaml": (invalid_params, 3),
    "result edited by hand": (edited_by_hand, 4),
    "failing Hub": (failing_hub, len(HUB_FAULTS)),
}
"""Each fault, and how often the whole suite injects it."""


def inject(bench: Bench, fault: str, times: int) -> Outcome:
    try:
        return Outcome(fault, times, FAULTS[fault][0](bench, times))
    except NotInjectedError as error:
        return Outcome(fault, 0, 0, str(error))


def main() -> None:
    outcomes = []
    with TemporaryDirectory() as name:
        bench = make_bench(Path(name))
        print(f"{'fault':46} injected survived lost")
        for fault, (_, times) in FAULTS.items():
            outcome = inject(bench, fault, times)
            outcomes.append(outcome)
            lost = outcome.injected - outcome.survived
            print(f"{fault:46} {outcome.injected:8} {outcome.survived:8} {lost:4}  {outcome.remark}", flush=True)
    sys.exit(any(outcome.survived < outcome.injected for outcome in outcomes))


if __name__ == "__main__":
    main()
