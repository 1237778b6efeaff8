"""All faults, and how one of them is injected.

Every fault is a function that injects it a number of times, and returns how often a run survived it: it ended with the
bytes of an undisturbed run, or the fault was refused by name and nothing that was there had changed.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.base.paths import HOUSE
from tests.acceptance.faults.bench import Bench, NotInjectedError
from tests.acceptance.faults.damage import damaged_saves, edited_by_hand, flipped_bits, invalid_params, not_finite
from tests.acceptance.faults.disks import full_disk, read_only
from tests.acceptance.faults.stops import dvc_killed, killed_at_random, killed_in_a_save, stopped, two_at_once
from tests.pipeline.data.hub_faults import FAULTS as HUB_FAULTS

HUB_TESTS = "tests/pipeline/data/test_hub.py"


@dataclass(frozen=True)
class Outcome:
    """What came of one fault."""

    fault: str
    injected: int
    survived: int
    remark: str = ""


def failing_hub(_bench: Bench, times: int) -> int:
    """Every failure that the tests of the download know, from a Hub on 127.0.0.1."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HUB_TESTS, "-k", "_fault"]
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
