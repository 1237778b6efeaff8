"""Stage `fetch`: the first rows of each split, from the Hub, a mirror of it, or the generator -> data/raw."""

import os
from hashlib import sha256
from pathlib import Path

from pipeline import paths
from pipeline.command_line import read_names
from pipeline.corpus import stories
from pipeline.errors import UserError, exit_cleanly
from pipeline.files import replacing_folder
from pipeline.params import Dataset, Generated, Hub, Split
from pipeline.rows import encode_rows, rows_file, write_index

MIRROR = "GAM_DATASETS_MIRROR"
"""Environment variable: a folder with <data set>/<split>-*.parquet, used in place of the Hub."""


def main() -> None:
    args, params = read_names(__doc__, "dataset")
    try:
        fetch(params.datasets[args.dataset], args.dataset)
    except UserError as error:
        raise UserError(f"data set {args.dataset}: {error}") from None


def fetch(dataset: Dataset, name: str) -> None:
    """Write every split of the data set, or, where one of them is wrong, nothing."""
    hashes = {}
    with replacing_folder(paths.raw(name)) as folder:
        for split, limit in dataset.rows.items():
            content = encode_rows(_rows(dataset, name, split, limit))
            found, expected = sha256(content).hexdigest(), dataset.sha256.get(split)
            if expected is not None and found != expected:
                raise UserError(
                    f"the rows of {split} have SHA-256 {found}, params.yaml expects {expected}: "
                    "get the right text, or correct datasets.*.sha256 if the text was meant to change"
                )
            hashes[split] = found
            rows_file(folder, split).write_bytes(content)
            print(f"{name} {split}: {content.count(0)} rows, {len(content)} bytes, sha256 {found}")
        write_index(folder, dataset.what_rows(), hashes)


def _rows(dataset: Dataset, name: str, split: Split, limit: int | None) -> list[str]:
    if isinstance(dataset.origin, Generated):
        assert limit is not None  # params.py refuses a generated split without an end
        return stories(dataset.origin.generator_seed, split, limit)
    if mirror := os.environ.get(MIRROR):
        return _from_mirror(Path(mirror, name), split, limit)
    return _from_hub(dataset.origin, split, limit)


def _from_mirror(folder: Path, split: Split, limit: int | None) -> list[str]:
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException

    files = sorted(folder.glob(f"{split}-*.parquet"))
    if not files:
        raise UserError(f"the mirror has no {folder / split}-*.parquet: add it, or unset {MIRROR} to use the Hub")
    rows: list[str] = []
    for file in files:
        try:
            rows += parquet.read_table(file, columns=["text"])["text"].to_pylist()
        except (ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            raise UserError(f"the mirror's {file} cannot be read ({error}): copy it anew") from None
    return rows[:limit]


def _from_hub(origin: Hub, split: Split, limit: int | None) -> list[str]:
    from datasets import load_dataset
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # it retries by itself; what counts is the end
    try:
        # Streamed, so that the first rows of a large data set do not cost all of it.
        rows = load_dataset(origin.path, origin.name, revision=origin.revision, split=split, streaming=True)
        return [row["text"] for row in (rows if limit is None else rows.take(limit))]
    except Exception as error:  # whatever the client raises: its failures come from outside
        raise UserError(
            f"the Hub did not give {origin.path} ({type(error).__name__}: {error}): "
            f"check the network and the name, or set {MIRROR} to a folder that has the text"
        ) from error


if __name__ == "__main__":
    exit_cleanly(main)
