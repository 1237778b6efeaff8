"""Stage `tokenise`: data/raw -> tokenizer and token ids in data/tokens, as the published code makes them.

The published protocol: BPE with the `Whitespace` pre-tokenizer, trained on the rows of every split (validation and
test too), rows encoded one by one, no special token inserted. Newlines and spaces vanish.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.base.files import replacing_folder, require_space
from pipeline.data.rows import read_index, read_rows
from pipeline.data.tokens import TOKENIZER, SplitCounts, TokenFolder, ids_type, write_counts
from pipeline.params.command_line import read_names
from pipeline.params.datasets import Split

UNKNOWN = "[UNK]"
SPECIAL_TOKENS = [UNKNOWN, "[PAD]", "[SOS]", "[EOS]"]
WORD = re.compile(r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""A run without Unicode white space, which is where the pre-tokenizer always cuts; str.split cuts at four more."""
CHARACTERS_AT_ONCE = 1_000_000
WORDS_KEPT = 500_000
"""Distinct words whose ids are kept: some 150 bytes each."""


def main() -> None:
    args, params = read_names(__doc__, "dataset")
    dataset = params.datasets[args.dataset]
    raw = paths.raw(args.dataset)
    hashes = read_index(raw, dataset.what_rows())
    # A token has a byte or more; beside its id, another byte says whether a word starts.
    bytes_per_token = ids_type(dataset.vocab_size).itemsize + 1
    require_space(paths.tokens(args.dataset), bytes_per_token * sum(file.stat().st_size for file in raw.iterdir()))
    rows = chain.from_iterable(read_rows(raw, split, expected) for split, expected in hashes.items())
    tokenizer = train_tokenizer(rows, dataset.vocab_size)
    with replacing_folder(paths.tokens(args.dataset)) as folder:
        text = tokenizer.to_str(pretty=True)
        (folder / TOKENIZER).write_text(text, encoding="utf-8")
        encoder = WordEncoder(tokenizer)
        splits = {
            split: write_split(encoder, read_rows(raw, split, expected), folder, split)
            for split, expected in hashes.items()
        }
        checksum = sha256(text.encode()).hexdigest()
        write_counts(TokenFolder(folder, tokenizer.get_vocab_size(), checksum, splits), dataset.what())
    for split, counts in splits.items():
        print(f"{args.dataset} {split}: {counts.tokens} tokens, {counts.words} words, {counts.bytes} bytes")


def train_tokenizer(rows: Iterator[str], vocab_size: int) -> Tokenizer:
    """The published tokenizer; its vocabulary is smaller than `vocab_size` where the text gives no more merges.

    Rows are counted as they come: the memory that this takes grows with distinct words, not with rows.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL_TOKENS, show_progress=False)
    tokenizer.train_from_iterator(rows, trainer)
    return tokenizer


class WordEncoder:
    """Encodes each distinct word once. The ids of a row are those of its words, since no token crosses white space.

    When it has seen more than WORDS_KEPT words it forgets them all, and encodes anew those that come again.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.type = ids_type(tokenizer.get_vocab_size())
        self._forget()

    def _forget(self) -> None:
        self.number_of: dict[str, int] = {}
        self.ids = np.zeros(0, self.type)  # of all distinct words, one after another
        self.lengths = np.zeros(0, np.int64)  # of each word in ids

    def encode(self, rows: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of some rows, and a byte for each that is 1 where a word starts."""
        if len(self.number_of) > WORDS_KEPT:
            self._forget()
        known = len(self.number_of)
        number_of = self.number_of
        words = np.array(
            [number_of.setdefault(word, len(number_of)) for row in rows for word in WORD.findall(row)], np.int64
        )
        new = list(islice(number_of, known, None))
        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(new, add_special_tokens=False)]
        self.ids = np.concatenate([self.ids, np.array(list(chain.from_iterable(encoded)), self.type)])
        self.lengths = np.concatenate([self.lengths, np.array([len(ids) for ids in encoded], np.int64)])

        offsets = np.cumsum(self.lengths) - self.lengths
        lengths = self.lengths[words]
        firsts = np.cumsum(lengths) - lengths
        sources = np.arange(lengths.sum()) + np.repeat(offsets[words] - firsts, lengths)
        starts = np.zeros(len(sources), np.uint8)
        starts[firsts] = 1
        return self.ids[sources], starts


def some_at_once(rows: Iterator[str]) -> Iterator[list[str]]:
    """The rows in parts of some CHARACTERS_AT_ONCE, however long a row is."""
    part: list[str] = []
    characters = 0
    for row in rows:
        part.append(row)
        characters += len(row)
        if characters >= CHARACTERS_AT_ONCE:
            yield part
            part, characters = [], 0
    if part:
        yield part


def write_split(encoder: WordEncoder, rows: Iterator[str], folder: Path, split: Split) -> SplitCounts:
    """Write the ids and word starts of one split, some rows at a time, and count what went through."""
    n_rows = n_bytes = n_words = n_tokens = 0
    ids_digest, starts_digest = sha256(), sha256()
    with (folder / f"{split}.ids").open("wb") as ids_file, (folder / f"{split}.word_starts").open("wb") as starts_file:
        for part in some_at_once(rows):
            ids, starts = encoder.encode(part)
            ids_file.write(ids.tobytes())
            starts_file.write(starts.tobytes())
            ids_digest.update(ids.tobytes())
            starts_digest.update(starts.tobytes())
            n_rows += len(part)
            n_bytes += sum(len(row.encode()) for row in part)
            n_words += int(starts.sum())
            n_tokens += len(ids)
    return SplitCounts(n_rows, n_bytes, n_words, n_tokens, ids_digest.hexdigest(), starts_digest.hexdigest())


if __name__ == "__main__":
    exit_cleanly(main)
