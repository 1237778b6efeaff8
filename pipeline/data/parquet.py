"""One reader of Parquet, for files on the Hub and in a mirror of it."""

from collections.abc import Iterator
from typing import Any


def texts(file: str) -> Iterator[Any]:
    """The column `text` of a file, by its path or an address such as hf://..., one row group after the other."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            yield from parquet.read_row_group(group, columns=["text"])["text"].to_pylist()
