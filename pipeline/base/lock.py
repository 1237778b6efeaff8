"""One writer at a time: a lock on a file that dies with the process that holds it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

CLOCK_SECONDS = 60.0
"""By how much the system's clock may be put back while a process runs."""


@contextmanager
def only_writer(path: Path, what: str) -> Iterator[None]:
    """Hold the lock while the block runs. Where another process holds it, say so on stderr and wait for it to end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = _pid_beside(path).read_text(encoding="ascii").strip() if _pid_beside(path).exists() else "?"
        print(f"{what}: process {holder} is at it, waiting for it to end", file=sys.stderr, flush=True)
        lock.acquire(poll_interval=0.2)
    try:
        _pid_beside(path).write_text(f"{os.getpid()}\n", encoding="ascii")
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether the process that last held the lock still lives. The lock itself is not touched.

    A process of the same number that began after that one took the lock is another one.
    """
    beside = _pid_beside(path)
    try:
        process = psutil.Process(int(beside.read_text(encoding="ascii")))
        began_before = process.create_time() < beside.stat().st_mtime + CLOCK_SECONDS
        return began_before and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return False


def _pid_beside(path: Path) -> Path:
    """Where the holder leaves its number: the lock file itself is filelock's, which may empty it."""
    return path.with_suffix(".pid")
