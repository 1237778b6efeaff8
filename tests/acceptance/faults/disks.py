"""Disks that are full, and folders that nobody may write."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.acceptance.faults.bench import (
    RUN,
    Bench,
    NotInjectedError,
    begin,
    refuses,
    saves,
    train_snippet,
    train_to_the_end,
)
from tests.acceptance.faults.patience import end, wait_for


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
