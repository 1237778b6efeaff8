"""Trainings that are killed, told to stop, or started twice."""

import os
import random
import signal
import time

from pipeline.base import paths
from tests.acceptance.faults.bench import TRAIN_STAGE, Bench, begin, finish, saves, train_snippet, train_to_the_end
from tests.acceptance.faults.patience import end, is_quick, wait_for


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
        "import itertools, os, signal; from pathlib import Path\nfrom pipeline import train\n"
        "from pipeline.artifacts import tensors\nfrom pipeline.base import files\n"
        "from pipeline.training import running\n"
        "running.SAVE_EVERY = 0.0\nsync, count = files._sync, itertools.count()\n"
        "def counted(): return next(count) == 5\n"
        "original = running.save\n"
        "def save(folder, state, made_by):\n"
        "    if state.steps == 20: patch()\n"
        "    original(folder, state, made_by)\n"
        "running.save = save\n"
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
    """Told to stop in the middle: gone as soon as is promised, and nothing is made twice."""
    survived = 0
    for at in range(times):
        with bench.copy() as house:
            process = begin(house, *train_snippet())
            wait_for(lambda house=house: saves(house))  # type: ignore[misc]
            time.sleep(0.3 * at)
            os.kill(process.pid, number)
            started = time.monotonic()
            code, text = end(process)
            quick = is_quick(time.monotonic() - started)
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
