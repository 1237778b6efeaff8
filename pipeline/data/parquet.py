"""One reader of Parquet, for files on the Hub and in a mirror of it."""

from collections.abc import Iterator
from typing import Any

ROWS_AT_ONCE = 100
BYTES_AT_ONCE = 2**20


def texts(file: str) -> Iterator[Any]:
    """The column `text` of a file, by its path or an address such as hf://..., some rows after others."""
    from pyarrow.parquet import ParquetFile

    # As it is told by default, the reader asks for whole row groups, which may be a whole file, and for more of them.
    with ParquetFile(file, buffer_size=BYTES_AT_ONCE, pre_buffer=False) as parquet:
        for batch in parquet.iter_batches(ROWS_AT_ONCE, columns=["text"], use_threads=False):
            yield from batch["text"].to_pylist()
