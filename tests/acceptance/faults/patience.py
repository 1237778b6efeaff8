"""How long to wait for a process before it counts as hanging: by how long a start takes on this machine, now."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from pipeline.base.paths import HOUSE

STARTS = 60
"""No process here does more than this many starts of Python with torch would take; most do two or three."""
BETWEEN = 30.0
"""Seconds between two looks at how fast the machine is."""


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and all output. Raises RuntimeError where it hangs; it is killed then, with all that it started."""
    begun = time.monotonic()
    while True:
        try:
            text, _ = process.communicate(timeout=BETWEEN)
        except subprocess.TimeoutExpired:
            if time.monotonic() - begun < bound():
                continue
            os.killpg(process.pid, signal.SIGKILL)
            raise RuntimeError(f"{process.args} hangs") from None
        return process.returncode, text


def wait_for(found: Callable[[], object]) -> None:
    """Until something is there. Raises RuntimeError where it will not come."""
    begun = look = time.monotonic()
    while not found():
        if time.monotonic() - look > BETWEEN:
            if time.monotonic() - begun > bound():
                raise RuntimeError("what was waited for did not come")
            look = time.monotonic()
        time.sleep(0.005)


def is_quick(seconds: float) -> bool:
    """Whether a process left as soon as is promised: within 10 s, or on a busy machine within a few starts."""
    return seconds < 10 or seconds < 4 * bound() / STARTS


def bound() -> float:
    """Seconds after which a process counts as hanging. Measured anew at each call: other work may have begun."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import pipeline.train"], cwd=HOUSE, check=True)
    return STARTS * (time.monotonic() - begun)
