"""Token ids on disk: per split a file of little-endian uint16 ids, and one of bytes, 1 where a word starts."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import paths
from pipeline.errors import UserError
from pipeline.files import read_json, write_json
from pipeline.params import Split

TOKENIZER = "tokenizer.json"
IDS = np.dtype("<u2")


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


@dataclass(frozen=True)
class TokenFolder:
    """The tokens of one data set."""

    folder: Path
    vocab_size: int
    splits: dict[Split, SplitCounts]

    def ids(self, split: Split) -> np.ndarray[Any, np.dtype[np.uint16]]:
        """All ids of a split in row order, memory-mapped."""
        return self._map(f"{split}.ids", IDS, split)

    def word_starts(self, split: Split) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """1 for each id that begins a word, else 0, memory-mapped."""
        return self._map(f"{split}.word_starts", np.dtype("u1"), split)

    def blocks(self, split: Split, block_size: int) -> np.ndarray[Any, np.dtype[np.uint16]]:
        """`cut_blocks` of a split. Raises UserError where the split is shorter than one block."""
        ids = self.ids(split)
        blocks = cut_blocks(ids, block_size)
        if len(blocks) == 0:
            raise UserError(
                f"split {split} in {self.folder} has {len(ids)} tokens, fewer than one block of {block_size + 1}: "
                "lower the model's block_size or use more rows"
            )
        return blocks

    def _map(self, name: str, dtype: np.dtype[Any], split: Split) -> np.ndarray[Any, Any]:
        path, tokens = self.folder / name, self.splits[split].tokens
        if not path.is_file() or path.stat().st_size != tokens * dtype.itemsize:
            raise UserError(f"{path} is missing or damaged: delete it and run `dvc repro`")
        if tokens == 0:  # nothing to map
            return np.zeros(0, dtype)
        return np.memmap(path, dtype, mode="r")


def cut_blocks(ids: np.ndarray, block_size: int) -> np.ndarray:
    """Ids (n,) cut into non-overlapping rows of block_size + 1, the remainder dropped.

    A model sees the first block_size ids of a row and predicts the last block_size (the published data preparation).
    """
    width = block_size + 1
    count = len(ids) // width
    return ids[: count * width].reshape(count, width)


def open_tokens(dataset: str) -> TokenFolder:
    """The tokens that the stage `tokenise` wrote. Raises UserError where they are missing."""
    folder = paths.tokens(dataset)
    file = folder / "counts.json"
    counts = read_json(file)
    try:
        splits = {split: SplitCounts(**values) for split, values in counts["splits"].items()}
        return TokenFolder(folder, counts["vocab_size"], splits)
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{file} is damaged: delete it and run `dvc repro`") from None


def write_counts(tokens: TokenFolder) -> None:
    """Write what `open_tokens` reads."""
    splits = {split: asdict(counts) for split, counts in tokens.splits.items()}
    write_json(tokens.folder / "counts.json", {"vocab_size": tokens.vocab_size, "splits": splits})
