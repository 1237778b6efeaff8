"""Rows from a folder of Parquet files that somebody copied from the Hub."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.base.errors import UserError
from pipeline.base.paths import MIRROR
from pipeline.data.parquet import texts
from pipeline.params.datasets import Split


def copied_rows(folder: Path, limits: dict[Split, int | None]) -> dict[Split, Iterator[Any]]:
    """The first rows of each split, all where the limit is None. Reading raises UserError naming a wrong file."""
    return {split: islice(_every_row(folder, split), limit) for split, limit in limits.items()}


def _every_row(folder: Path, split: Split) -> Iterator[Any]:
    from pyarrow import ArrowException

    files = sorted(folder.glob(f"{split}-*.parquet"))
    if not files:
        raise UserError(f"the mirror has no {folder / split}-*.parquet: add it, or unset {MIRROR} to use the Hub")
    for file in files:
        try:
            yield from texts(str(file))
        except (ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            raise UserError(f"the mirror's {file} cannot be read ({error}): copy it anew") from None
