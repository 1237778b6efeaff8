"""The tokenizer and the blocks are those of the published data preparation."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from pipeline import tokenise
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.paths import HOUSE
from pipeline.data.rows import read_index, read_rows, rows_file, write_index, write_rows
from pipeline.fetch import MIRROR, fetch
from pipeline.fetch import main as fetch_main
from pipeline.ngrams import unigram
from pipeline.params.datasets import Dataset, Split
from pipeline.params.schema import load_params
from pipeline.tokenise import UNKNOWN, WordEncoder, train_tokenizer
from pipeline.tokenise import main as tokenise_main
from pipeline.training.protocol import on_device
from tests.acceptance.workspaces import files_in
from tests.conftest import Workspace, as_stored, tokens_of

RECORDED = json.loads((HOUSE / "tests/golden/tokenization.json").read_text())
needs_mirror = pytest.mark.skipif(MIRROR not in os.environ, reason=f"{MIRROR} names no folder with the recorded texts")


@needs_mirror
@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['dataset']}-{case['vocab_requested']}")
def test_recorded_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    mirror = Path(os.environ[MIRROR]).absolute()
    workspace = Workspace(tmp_path, monkeypatch)
    monkeypatch.setenv(MIRROR, str(mirror))
    splits = {file.name.split("-")[0] for file in (mirror / case["dataset"]).glob("*.parquet")}
    dataset = {
        "origin": {"path": case["dataset"], "name": None, "revision": "0" * 40},
        "rows": {split: None for split in ("train", "validation", "test") if split in splits},
        "sha256": {},
        "vocab_size": case["vocab_requested"],
        "block_size": case["block_size"],
        "claims": [],
    }
    workspace.edit({"datasets": {case["dataset"]: dataset}})
    fetch(Dataset.model_validate(dataset), case["dataset"])
    workspace.call(tokenise_main, "--dataset", case["dataset"])
    tokens = tokens_of(case["dataset"])
    assert tokens.vocab_size == case["vocab_size"]
    for split in ("train", "validation"):
        blocks = tokens.blocks(split, case["block_size"])
        assert len(blocks) == case[f"{split}_blocks"]
        assert sha256(blocks.tobytes()).hexdigest() == case[f"{split}_blocks_sha256"]
    first = tokens.blocks("train", case["block_size"])[0]
    assert first[: len(case["first_block"])].tolist() == case["first_block"]


@needs_mirror
def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WikiText-2 in at most 250 MiB above the interpreter with its libraries."""
    mirror = str(Path(os.environ[MIRROR]).absolute())
    workspace = Workspace(tmp_path, monkeypatch)
    monkeypatch.setenv(MIRROR, mirror)
    (workspace.folder / "params.yaml").write_text((HOUSE / "params.yaml").read_text())
    workspace.call(fetch_main, "--dataset", "wikitext-2-v1")
    code = (
        "import resource, sys\n"
        "from pipeline.tokenise import main\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "main()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", code, "--dataset", "wikitext-2-v1"]
    environment = os.environ | {"PYTHONPATH": str(HOUSE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 250 * 1024


AWKWARD = [
    "",
    " ",
    " = Title = \n",
    "The old man 's <unk> @-@ built boat , 1 @,@ 000 tons\u00a0heavy .",
    "tab\there\x0bvertical\x0cfeed\r\nnew\x85next\u2028line\u3000wide\u200bzero",
    "control\x1c\x1dcharacters\x1e\x1fare no white space to the pre-tokenizer",
    "\u4e2d\u6587 caf\u00e9 e\u0301 na\u00efve \U0001f600\U0001f600 !?... don't",
    "The old man saw the old boat , the old man 's boat .",
]


def published_ids(tokenizer: Tokenizer, rows: list[str]) -> Iterator[int]:
    """The definition: rows encoded one by one, ids one after another."""
    for row in rows:
        yield from tokenizer.encode(row).ids


@pytest.mark.parametrize("words_kept", [3, 10**6])
@pytest.mark.parametrize("vocab_size", [60, 400])
def test_words_give_the_ids_of_rows(vocab_size: int, words_kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenise, "WORDS_KEPT", words_kept)
    tokenizer = train_tokenizer(iter(AWKWARD[:5]), vocab_size)  # later rows hold characters that it does not know
    encoder = WordEncoder(tokenizer)
    assert encoder.type == np.uint16
    ids, starts = zip(*(encoder.encode(part) for part in (AWKWARD[:2], AWKWARD[2:7], AWKWARD[7:])), strict=True)
    assert np.concatenate(ids).tolist() == list(published_ids(tokenizer, AWKWARD))
    assert tokenizer.token_to_id(UNKNOWN) in np.concatenate(ids)
    last = tokenizer.encode(AWKWARD[7])
    begins = [int(start == 0 or AWKWARD[7][start - 1] == " ") for start, _ in last.offsets]
    assert starts[2].tolist() == begins


def test_stage(workspace: Workspace) -> None:
    workspace.call(fetch_main, "--dataset", "stories")
    workspace.call(tokenise_main, "--dataset", "stories")
    tokens = tokens_of("stories")
    tokenizer = Tokenizer.from_file(str(paths.tokens("stories") / "tokenizer.json"))
    assert tokens.vocab_size == tokenizer.get_vocab_size() <= 150
    hashes = read_index(paths.raw("stories"), load_params().datasets["stories"].what_rows())
    for split, counts in tokens.splits.items():
        rows = list(read_rows(paths.raw("stories"), split, hashes[split]))
        ids = tokens.ids(split)
        assert ids.dtype == np.uint16
        assert isinstance(ids, np.memmap)
        assert ids.tolist() == list(published_ids(tokenizer, rows))
        assert counts.rows == len(rows)
        assert counts.bytes == len(as_stored(rows)) - len(rows)
        assert counts.words == sum(len(row.split()) for row in rows) == tokens.word_starts(split).sum()
        assert counts.tokens == len(ids) == len(tokens.word_starts(split))
        blocks = tokens.blocks(split, 32)
        assert blocks.shape == (len(ids) // 33, 33)
        assert blocks.ravel().tolist() == ids[: blocks.size].tolist()


def test_parts_do_not_show(tokenised: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes, however many rows are encoded at once and however soon their words are forgotten."""
    before = files_in(paths.tokens("stories"))
    monkeypatch.setattr(tokenise, "CHARACTERS_AT_ONCE", 1000)
    monkeypatch.setattr(tokenise, "WORDS_KEPT", 50)
    tokenised.call(tokenise_main, "--dataset", "stories")
    assert files_in(paths.tokens("stories")) == before


def test_a_vocabulary_of_more_than_16_bits(workspace: Workspace) -> None:
    """A text of so many different characters needs no merge for it."""
    alphabet = [chr(code) for first, last in ((0xAC00, 0xD7A3), (0x4E00, 0x9FFF), (0x20000, 0x2A6DF))
                for code in range(first, last + 1)]  # fmt: skip
    lines = [" ".join(alphabet[at : at + 500]) for at in range(0, len(alphabet), 500)]
    workspace.edit({"datasets": {"stories": {"vocab_size": 100_000}}})
    folder = paths.raw("stories")
    folder.mkdir(parents=True)
    hashes: dict[Split, str] = {split: write_rows(folder, split, lines).sha256 for split in ("train", "validation")}
    write_index(folder, load_params().datasets["stories"].what_rows(), hashes)
    workspace.call(tokenise_main, "--dataset", "stories")
    tokens = tokens_of("stories")
    tokenizer = Tokenizer.from_str(tokens.tokenizer())
    assert tokens.vocab_size > 2**16
    assert tokens.ids("train").dtype == np.uint32
    assert tokens.ids("train").tolist() == list(published_ids(tokenizer, lines))
    assert tokens.ids("train").max() > 2**16
    assert (paths.tokens("stories") / "train.ids").stat().st_size == 4 * len(alphabet)
    blocks = tokens.blocks("train", 32)
    assert on_device(blocks[:2], torch.device("cpu")).tolist() == blocks[:2].tolist()
    assert unigram(blocks, tokens.vocab_size).sum() == pytest.approx(1)


def damage(file: Path) -> None:
    """Flip one bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def read_tokens() -> None:
    """Everything that the later stages read."""
    tokens = tokens_of("stories")
    for split in tokens.splits:
        tokens.ids(split)
        tokens.word_starts(split)


def test_damaged_input_and_output(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.call(fetch_main, "--dataset", "stories")
    workspace.call(tokenise_main, "--dataset", "stories")
    for name in ("train.ids", "test.word_starts", "counts.json"):
        damage(paths.tokens("stories") / name)
        with pytest.raises(UserError, match=rf"{name} is (missing or )?damaged.*delete data/tokens/stories"):
            read_tokens()
        workspace.call(tokenise_main, "--dataset", "stories")
    read_tokens()
    workspace.edit({"datasets": {"stories": {"vocab_size": 140}}})
    with pytest.raises(UserError, match=r"holds other tokens than params\.yaml asks for"):
        read_tokens()
    for name in ("train.rows", "rows.json"):
        damage(paths.raw("stories") / name)
        assert f"data/raw/stories/{name} is damaged" in refusal(tokenise_main, "--dataset", "stories")
        workspace.call(fetch_main, "--dataset", "stories")
    rows = rows_file(paths.raw("stories"), "train")
    rows.unlink()
    assert "train.rows is missing: make it with `dvc repro`" in refusal(tokenise_main, "--dataset", "stories")
    workspace.edit({"datasets": {"stories": {"rows": {"train": 61}}}})
    assert "data/raw/stories holds other rows than params.yaml asks for" in refusal(
        tokenise_main, "--dataset", "stories"
    )
