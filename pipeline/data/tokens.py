"""Token ids on disk: per split a file of little-endian ids, and one of bytes, 1 where a word starts.

They are read through memory maps, and so may be larger than the memory.
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import read_checked_json, write_checked_json
from pipeline.params.datasets import Dataset, Split

TOKENIZER = "tokenizer.json"
COUNTS = "counts.json"

Ids = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]


@dataclass(frozen=True)
class SplitCounts:
    """What a split's text and tokens amount to."""

    rows: int
    bytes: int
    """UTF-8 bytes of all rows, white space included."""
    words: int
    """Runs of characters between white space."""
    tokens: int
    sha256: str
    """Hash of the ids as stored."""
    word_starts_sha256: str


@dataclass(frozen=True)
class TokenFolder:
    """The tokens of one data set."""

    folder: Path
    vocab_size: int
    tokenizer_sha256: str
    splits: dict[Split, SplitCounts]

    def tokenizer(self) -> str:
        """The tokenizer as JSON. Raises UserError where it is missing or damaged."""
        path = self.folder / TOKENIZER
        text = path.read_bytes() if path.is_file() else b""
        if sha256(text).hexdigest() != self.tokenizer_sha256:
            raise UserError(self._damaged(path))
        return text.decode()

    def ids(self, split: Split) -> Ids:
        """All ids of a split in row order, memory-mapped."""
        return self._map(f"{split}.ids", ids_type(self.vocab_size), self.splits[split].sha256)

    def word_starts(self, split: Split) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """1 for each id that begins a word, else 0, memory-mapped."""
        return self._map(f"{split}.word_starts", np.dtype("u1"), self.splits[split].word_starts_sha256)

    def blocks(self, split: Split, block_size: int) -> Ids:
        """`cut_blocks` of a split. Raises UserError where the split is shorter than one block."""
        ids = self.ids(split)
        blocks = cut_blocks(ids, block_size)
        if len(blocks) == 0:
            raise UserError(
                f"split {split} in {self.folder} has {len(ids)} tokens, fewer than one block of {block_size + 1}: "
                "lower the model's block_size or use more rows"
            )
        return blocks

    def _map(self, name: str, dtype: np.dtype[Any], expected_sha256: str) -> np.ndarray[Any, Any]:
        path = self.folder / name
        if not path.is_file() or path.stat().st_size % dtype.itemsize:
            raise UserError(self._damaged(path))
        # An empty file cannot be mapped.
        mapped = np.memmap(path, dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype)
        if sha256(mapped.data).hexdigest() != expected_sha256:
            raise UserError(self._damaged(path))
        return mapped

    def _damaged(self, path: Path) -> str:
        return f"{path} is missing or damaged: delete {self.folder} and run `dvc repro`"


def ids_type(vocab_size: int) -> np.dtype[Any]:
    """How ids are stored: in 16 bits where the vocabulary allows it, else in 32."""
    return np.dtype("<u2" if vocab_size <= 2**16 else "<u4")


def cut_blocks(ids: np.ndarray, block_size: int) -> np.ndarray:
    """Ids (n,) cut into non-overlapping rows of block_size + 1, the remainder dropped.

    A model sees the first block_size ids of a row and predicts the last block_size (the published data preparation).
    """
    width = block_size + 1
    count = len(ids) // width
    return ids[: count * width].reshape(count, width)


def open_tokens(name: str, dataset: Dataset) -> TokenFolder:
    """The tokens that the stage `tokenise` wrote.

    Raises UserError where they are missing or damaged, or not those that params.yaml asks for.
    """
    folder = paths.tokens(name)
    counts = read_checked_json(folder / COUNTS, folder)
    if counts["what"] != dataset.what():
        raise UserError(f"{folder} holds other tokens than params.yaml asks for: make them with `dvc repro`")
    splits = {split: SplitCounts(**values) for split, values in counts["splits"].items()}
    return TokenFolder(folder, counts["vocab_size"], counts["tokenizer_sha256"], splits)


def write_counts(tokens: TokenFolder, what: dict[str, Any]) -> None:
    """Write what `open_tokens` reads. `what` they are is what params.yaml says of the data set."""
    splits = {split: asdict(counts) for split, counts in tokens.splits.items()}
    values = {"vocab_size": tokens.vocab_size, "tokenizer_sha256": tokens.tokenizer_sha256, "splits": splits}
    write_checked_json(tokens.folder / COUNTS, values | {"what": what})
