"""One writer at a time: a lock on a file that dies with the process that holds it."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_writer(path: Path, what: str) -> Iterator[None]:
    """Hold the lock while the block runs. Where another process holds it, say so on stderr and wait for it to end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The file stays: whoever removed it could not know that nobody waits for it.
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            print(f"{what}: process {file.read().strip()} is at it, waiting for it to end", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
