"""Stage `fetch`: the first rows of each split, from the Hub, a mirror of it, or the generator -> data/raw."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import replacing_folder
from pipeline.base.paths import MIRROR
from pipeline.data.hub import downloading
from pipeline.data.mirror import copied_rows
from pipeline.data.rows import write_index, write_rows
from pipeline.data.stories import stories
from pipeline.params.command_line import read_names
from pipeline.params.datasets import Dataset, Generated, Split


def main() -> None:
    args, params = read_names(__doc__, "dataset")
    try:
        fetch(params.datasets[args.dataset], args.dataset)
    except UserError as error:
        raise UserError(f"data set {args.dataset}: {error}") from None


def fetch(dataset: Dataset, name: str) -> None:
    """Write every split of the data set as its rows come, or, where one of them is wrong, nothing."""
    hashes = {}
    with replacing_folder(paths.raw(name)) as folder, _rows(dataset) as splits:
        for split, rows in splits.items():
            written, expected = write_rows(folder, split, rows), dataset.sha256.get(split)
            if expected is not None and written.sha256 != expected:
                raise UserError(
                    f"the rows of {split} have SHA-256 {written.sha256}, params.yaml expects {expected}: "
                    "get the right text, or correct datasets.*.sha256 if the text was meant to change"
                )
            hashes[split] = written.sha256
            print(f"{name} {split}: {written.rows} rows, {written.bytes} bytes, sha256 {written.sha256}")
        write_index(folder, dataset.what_rows(), hashes)


def _rows(dataset: Dataset) -> AbstractContextManager[dict[Split, Iterator[Any]]]:
    """The rows of each split, to be read in this order while the block runs."""
    if isinstance(dataset.origin, Generated):
        seed = dataset.origin.generator_seed
        # params.py refuses a generated split without an end
        limits = {split: limit for split, limit in dataset.rows.items() if limit is not None}
        return nullcontext({split: stories(seed, split, limit) for split, limit in limits.items()})
    if mirror := os.environ.get(MIRROR):
        return nullcontext(copied_rows(Path(mirror, dataset.origin.folder()), dataset.rows))
    return downloading(dataset.origin, dataset.rows)


if __name__ == "__main__":
    exit_cleanly(main)
