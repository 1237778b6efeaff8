"""Stage `fetch`: the first rows of each split, from the Hub, a mirror of it, or the generator -> data/raw."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import replacing_folder, require_space
from pipeline.base.paths import MIRROR
from pipeline.data.hub import HubError, download
from pipeline.data.mirror import copied_rows
from pipeline.data.rows import encode_rows, rows_file, write_index
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
    """Write every split of the data set, or, where one of them is wrong, nothing."""
    hashes = {}
    contents = {split: encode_rows(rows) for split, rows in _rows(dataset).items()}
    require_space(paths.raw(name), sum(map(len, contents.values())))
    with replacing_folder(paths.raw(name)) as folder:
        for split, content in contents.items():
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


def _rows(dataset: Dataset) -> dict[Split, list[Any]]:
    if isinstance(dataset.origin, Generated):
        seed = dataset.origin.generator_seed
        # params.py refuses a generated split without an end
        return {split: stories(seed, split, limit) for split, limit in dataset.rows.items() if limit is not None}
    if mirror := os.environ.get(MIRROR):
        return copied_rows(Path(mirror, dataset.origin.folder()), dataset.rows)
    try:
        return download(dataset.origin, dataset.rows)
    except HubError as error:
        raise UserError(
            f"the Hub did not give {dataset.origin.path} ({error}): "
            f"check the network and the name, or set {MIRROR} to a folder that has the text"
        ) from None


if __name__ == "__main__":
    exit_cleanly(main)
