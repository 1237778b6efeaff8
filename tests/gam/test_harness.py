"""What lm-evaluation-harness measures with a model: the same as the project's own metrics of the same windows."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gam import GAMConfig, LanguageModel
from gam.__main__ import main
from gam.pretrained import SPECIAL_TOKENS, PretrainedModel, save_tokenizer
from pipeline.data.tokens import SplitCounts
from pipeline.evaluation.metrics import describe, score_blocks
from pipeline.tokenise import WORD, train_tokenizer

pytest.importorskip("lm_eval", reason="CI installs it by the extra eval")

from lm_eval.api.instance import Instance

from gam.harness import HarnessModel, measure, text_task

L = 8
"""Positions of the model."""
TEXT = (
    " Once upon a time,\n\n there was a river – wide and old.\tIt had no name.  The names came later, one by one, " * 4
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that tells tokens and places apart, so that a wrong window shows."""
    tokenizer = train_tokenizer(iter([TEXT]), 90)
    sizes = {"vocab_size": tokenizer.get_vocab_size(), "block_size": L, "d_model": 16, "n_layer": 2, "dropout": 0.5}
    torch.manual_seed(0)
    config = GAMConfig(**sizes, n_slot=8, kernel_size=3, init="normal", init_std=0.5)  # type: ignore[arg-type]
    PretrainedModel.of(LanguageModel(config)).save_pretrained(tmp_path / "model")
    save_tokenizer(tmp_path / "model", tokenizer.to_str(), L)
    return tmp_path / "model"


def test_its_measures_are_ours_of_the_same_windows(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the number of tokens is a multiple of the positions, so that a window of the harness is a block of ours:
    the last token before it, and as many tokens as there are positions."""
    model = HarnessModel(folder, batch_size=3)
    words = WORD.findall(TEXT)
    while len(ids := model.tok_encode(text := " " + "\n".join(words) + " \n")) % L:
        words.pop()
    assert len(ids) > 10 * L
    stream = np.array([model.words.token_to_id(SPECIAL_TOKENS["bos_token"]), *ids])
    windows = np.lib.stride_tricks.sliding_window_view(stream, L + 1)[::L]
    counts = SplitCounts(1, len(text.encode()), len(words), len(ids), "", "")
    ours = describe(score_blocks(model.model, windows, 3, "float32"), counts)
    file = folder / "text.txt"
    file.write_bytes(text.encode())
    theirs = measure(folder, file)["results"]["text.txt"]
    assert theirs["word_perplexity,none"] == pytest.approx(ours.word_perplexity, rel=1e-5)
    assert theirs["bits_per_byte,none"] == pytest.approx(ours.bits_per_byte, rel=1e-6)
    monkeypatch.setattr(sys, "argv", ["gam", "lm-eval", str(folder), str(file)])
    main()
    assert f"|{theirs['bits_per_byte,none']:.4f}|" in capsys.readouterr().out.replace(" ", "")


def scored(model: HarnessModel, tokens: list[int], first: int) -> float:
    """Log-likelihood of the tokens from `first` on, plainly."""
    with torch.no_grad():
        logits = model.model(torch.tensor([tokens[:-1]]))[0][0].log_softmax(dim=-1)
    return sum(logits[at - 1, tokens[at]].item() for at in range(first, len(tokens)))


def test_what_does_not_fill_a_window_has_more_before_it(folder: Path) -> None:
    model = HarnessModel(folder)
    text = " ".join(WORD.findall(TEXT)[:9])
    ids = [model.prefix_token_id, *model.tok_encode(text)]
    assert L + 1 < len(ids) < 2 * L + 1
    rest = len(ids) - L - 1
    expected = scored(model, ids[: L + 1], 1) + scored(model, ids[-L - 1 :], L + 1 - rest)
    (found,) = model.loglikelihood_rolling([request("loglikelihood_rolling", text)])
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_continuation_is_scored_after_what_stands_before_it(folder: Path) -> None:
    model = HarnessModel(folder)
    before, after = "there was a river wide and old .", " It had"
    ids, n_after = model.tok_encode(before + after), len(model.tok_encode(after))
    assert len(ids) > L + 1  # the beginning is out of sight
    found = model.loglikelihood([request("loglikelihood", before, after), request("loglikelihood", "", "river")])
    assert found[0][0] == pytest.approx(scored(model, ids[-L - 1 :], L + 1 - n_after), rel=1e-5)
    river = [model.prefix_token_id, *model.tok_encode("river")]
    assert found[1][0] == pytest.approx(scored(model, river, 1), rel=1e-5)
    likeliest = model.model(torch.tensor([river[:1]]))[0][0, -1].argmax().item()
    assert [greedy for _, greedy in model.score([(river[:1], [likeliest]), (river[:1], [(likeliest + 1) % 9])])] == [
        True,
        False,
    ]
    with pytest.raises(ValueError, match=f"at most block_size = {L} tokens, got"):
        model.loglikelihood([request("loglikelihood", before, TEXT)])


def test_it_writes_no_text(folder: Path) -> None:
    with pytest.raises(ValueError, match="these models score texts alone"):
        HarnessModel(folder).generate_until([request("generate_until", "Once", "until")])


def request(kind: str, *arguments: str) -> Instance:
    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(("content", "says"), [(b"\xff", "is no text in UTF-8"), (b" \n", "holds no text")])
def test_what_is_no_text(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        text_task(tmp_path / "text")
