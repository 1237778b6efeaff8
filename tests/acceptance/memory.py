"""`python -m tests.acceptance.memory --gigabytes 2`: the memory that fetch, tokenise and train take for a large text.

The text is made on the fly, as Parquet files of a mirror: stories with rare words between them, so that its different
words become more and more, as in any text. The stages run for its first 50,000 rows, and for all of it, each in a
process of its own. Of the training only the start and some steps are made: later ones take no more.

What counts is anonymous memory, RssAnon of /proc/PID/status, read again and again. Pages of mapped files do not count:
the kernel takes them back where it needs the memory.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
from ruamel.yaml import YAML

from pipeline.base.files import TEMPORARY
from pipeline.base.paths import HOUSE, MIRROR
from pipeline.commands.quickstart import merge
from pipeline.data.stories import stories
from tests.conftest import tiny_params

FEW = 50_000
"""Rows."""
MOST = 1536.0
"""MiB that a stage may take, however large the text: with Python, its libraries and the model."""
LOOK_EVERY = 0.01
ROWS_IN_FILE = 20_000
"""All of them in one row group."""
STAGES = {
    "fetch": "from pipeline.fetch import main; main()",
    "tokenise": "from pipeline.tokenise import main; main()",
    "train": """
import itertools, sys
from pipeline.train import main
from pipeline.training import protocol
step, count = protocol.train_step, itertools.count(1)
protocol.train_step = lambda *given: step(*given) if next(count) <= 5 else sys.exit()
sys.argv += ["--model", "gam", "--seed", "0"]
main()
""",
}


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    size = int(parser.parse_args().gigabytes * 1e9)
    with TemporaryDirectory(dir=HOUSE, prefix=".memory.", suffix=TEMPORARY) as name:
        folder = Path(name)
        make_text(folder, size, FEW)
        print(f"{size / 1e9:g} GB of text; most anonymous memory, in MiB\n{'stage':10} {FEW:,} rows  all rows  seconds")
        is_too_much = False
        for stage in STAGES:
            few, _ = peak(folder, stage, "few")
            most, seconds = peak(folder, stage, "all")
            print(f"{stage:10} {few:11.0f} {most:9.0f} {seconds:8.0f}", flush=True)
            is_too_much |= most > MOST
    sys.exit(f"more than {MOST:g} MiB" if is_too_much else 0)


def make_text(folder: Path, size: int, few: int) -> None:
    """A mirror with a text of `size` bytes, and params.yaml with two data sets, its first rows and all of them."""
    mirror = folder / "mirror" / "text"
    mirror.mkdir(parents=True)
    rows = text(size)
    number = 0
    while part := list(islice(rows, ROWS_IN_FILE)):
        parquet.write_table(pyarrow.table({"text": part}), mirror / f"train-{number:05}.parquet", row_group_size=10**9)
        number += 1
    validation = {"text": list(stories(0, "validation", 100))}
    parquet.write_table(pyarrow.table(validation), mirror / "validation-0.parquet")
    params = tiny_params()
    blocks = {"block_size": 256}
    of_text = params["datasets"].pop("stories") | blocks | {"vocab_size": 300}
    of_text |= {"origin": {"path": "made/text", "name": None, "revision": "0" * 40}}
    texts = {
        name: of_text | {"rows": {"train": limit, "validation": None}} for name, limit in (("few", few), ("all", None))
    }
    family = {"datasets": list(texts), "others": {"datasets": list(texts)}}
    change: dict[str, Any] = {
        "datasets": texts,
        "families": {"paper": family},
        "models": dict.fromkeys(params["models"], blocks),
    }
    YAML().dump(merge(params, change), folder / "params.yaml")


def text(size: int) -> Iterator[str]:
    """Rows of some 650 bytes: the same stories again and again, each with ten words, as rare as words are."""
    random, written = np.random.default_rng(0), 0
    for story in cycle(list(stories(0, "train", 5000))):
        if written >= size:
            return
        row = " ".join([story, *(f"{rank:x}" for rank in random.zipf(1.5, 10).tolist())])
        written += len(row)
        yield row


def peak(folder: Path, stage: str, dataset: str) -> tuple[float, float]:
    """The most MiB that a stage had at once, and the seconds that it took."""
    environment = os.environ | {"PYTHONPATH": str(HOUSE), MIRROR: "mirror"}
    command = [sys.executable, "-c", STAGES[stage], "--dataset", dataset]
    started, most = time.monotonic(), 0
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            most = max(most, anonymous(process.pid))
            time.sleep(LOOK_EVERY)
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"{stage} ended with {process.returncode}: {said.read()}")
    return most / 2**10, time.monotonic() - started


def anonymous(process: int) -> int:
    """KiB of memory behind which there is no file; 0 of a process that has ended."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")), 0)


if __name__ == "__main__":
    main()
