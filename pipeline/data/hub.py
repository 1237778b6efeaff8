"""Rows of the Hugging Face Hub, through its own client: exactly those of the revision, in bounded time, or a refusal.

The client runs in a process of its own: some of its requests have no time-out, and only the end of a process is sure to
end them.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from tempfile import TemporaryDirectory
from threading import RLock, Thread
from typing import Any

from pipeline.base.errors import UserError
from pipeline.base.paths import MIRROR
from pipeline.data.parquet import texts
from pipeline.params.datasets import Hub, Split

LONGEST = 1800.0
"""Seconds after which the download of a data set is given up, whatever it is waiting for."""
WAITS = (5.0, 30.0, 120.0)
"""Seconds before each new attempt at a split. Within an attempt the client repeats most requests five times."""
OUT_OF_TIME = 75
"""Exit code of a download that was given up."""
SETTINGS = {
    "HF_HUB_VERBOSITY": "critical",
    "DATASETS_VERBOSITY": "critical",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "USE_TORCH": "0",
}
"""Environment variables with which the client leaves it to us to say what went wrong, and does without torch."""

Answer = list[Any] | str
"""Rows of a split, none at its end; or why there are none."""
ROWS_AT_ONCE = 100
"""Rows that the client's process sends together."""


@contextmanager
def downloading(origin: Hub, limits: dict[Split, int | None]) -> Iterator[dict[Split, Iterator[Any]]]:
    """The first rows of each split, all where the limit is None, to be read in this order while the block runs.

    Reading raises UserError where the Hub does not give them.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with TemporaryDirectory() as cache:
        process = context.Process(target=_work, args=(origin, limits, cache, LONGEST, WAITS, sender), daemon=True)
        process.start()
        sender.close()
        try:
            yield {split: _received(origin, receiver, process) for split in limits}
        finally:
            process.kill()
            process.join()


def _received(origin: Hub, receiver: "Connection[None, Answer]", process: BaseProcess) -> Iterator[Any]:
    """The rows of the split whose turn it is."""
    while answer := _answer(receiver, process):
        if isinstance(answer, str):
            raise UserError(
                f"the Hub did not give {origin.path} ({answer}): "
                f"check the network and the name, or set {MIRROR} to a folder that has the text"
            )
        yield from answer


def _answer(receiver: "Connection[None, Answer]", process: BaseProcess) -> Answer:
    try:
        return receiver.recv()
    except (EOFError, OSError):  # before an answer, or within it
        process.join()
        if process.exitcode == -signal.SIGINT:  # Ctrl-C reached it before it reached us
            raise KeyboardInterrupt from None
        took_too_long = process.exitcode == OUT_OF_TIME
        return f"not in {LONGEST:g} seconds" if took_too_long else f"its process died, code {process.exitcode}"


def _work(
    origin: Hub,
    limits: dict[Split, int | None],
    cache: str,
    longest: float,
    waits: tuple[float, ...],
    sender: "Connection[Answer, None]",
) -> None:
    """Send the rows of each split, or why there are none."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C goes to the parent too, which says so
    Thread(target=_end_in_time, args=(longest,), daemon=True).start()
    os.environ.update(SETTINGS)
    from tqdm import tqdm

    tqdm.set_lock(RLock())  # its own is one of the system, which complains when a process that held it is ended
    try:
        for split, limit in limits.items():
            rows = _patiently(origin, split, limit, cache, iter(waits))
            while part := list(islice(rows, ROWS_AT_ONCE)):
                sender.send(part)
            sender.send([])
    except Exception as error:  # whatever the client raises: its failures come from outside
        sender.send(_reason(error))


def _end_in_time(longest: float) -> None:
    """End this process when its time is over, or its parent is no more, whatever its other threads are waiting for."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel], longest)
    os._exit(OUT_OF_TIME)


def _patiently(origin: Hub, split: Split, limit: int | None, cache: str, waits: Iterator[float]) -> Iterator[Any]:
    """The first rows of a split. A new attempt goes on behind the last row, since a revision never changes."""
    read = 0
    while True:
        try:
            for row in islice(_every_row(origin, split, cache), read, limit):
                read += 1
                yield row
            return
        except Exception as error:
            if not _may_pass(error) or (seconds := next(waits, None)) is None:
                raise
            print(f"{split}: {_reason(error)}; once more in {seconds:g} s", flush=True)
        time.sleep(seconds)


def _every_row(origin: Hub, split: Split, cache: str) -> Iterator[Any]:
    from datasets import load_dataset_builder

    # The cache is an empty one, since the client falls back to whatever revision it finds in there.
    builder = load_dataset_builder(origin.path, origin.name, revision=origin.revision, cache_dir=cache)
    files = builder.config.data_files.get(split) if builder.name == "parquet" else None
    if files is None:
        raise ValueError(f"it has no Parquet files of {split}")
    return chain.from_iterable(map(texts, files))


def _may_pass(error: BaseException | None) -> bool:
    """Whether it, or what led to it, is no connection, no answer or a server in trouble, rather than a wrong name."""
    from datasets.utils.file_utils import CONNECTION_ERRORS_TO_RETRY
    from huggingface_hub.errors import HfHubHTTPError

    if error is None:
        return False
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    is_passing = isinstance(error, (ConnectionError, *CONNECTION_ERRORS_TO_RETRY))
    return is_passing or _may_pass(error.__cause__ or error.__context__)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
