"""Models that are taken away: exported by the pipeline, opened and called without it."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models

from gam import LanguageModel
from gam.__main__ import main as gam
from gam.pretrained import PretrainedModel, open_folder
from gam.remote_code import flat_files
from pipeline.base import paths
from pipeline.base.files import CHECKSUM, write_checked_json
from pipeline.commands.export import main as export
from pipeline.evaluate import main as evaluate
from pipeline.params.schema import load_params
from pipeline.train import main as train
from tests.conftest import Workspace, run_without, tokens_of

RUN = ("stories", "gam", "0")


@pytest.fixture
def exported(tokenised: Workspace) -> Path:
    options = ("--dataset", "stories", "--model", "gam", "--seed", "0")
    tokenised.call(train, *options)
    tokenised.call(evaluate, *options)
    tokenised.call(export, *RUN)
    return tokenised.folder / paths.EXPORTS / "stories" / "gam" / "seed-0"


def test_a_run_is_exported_and_opened(exported: Path, tokenised: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert {file.name for file in exported.iterdir()} == flat_files().keys() | {
        "README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    model = LanguageModel(load_params().models["gam"].config(tokens_of("stories").vocab_size))
    model.load_published(dict(open_folder(exported).named_parameters()))
    idx = torch.arange(8)[None]
    for opened in (open_folder(exported), PretrainedModel.from_pretrained(exported)):
        assert torch.equal(opened.eval()(idx)[0], model.eval()(idx)[0])
        assert opened.head.weight is opened.token_embedding.weight
    card = (exported / "README.md").read_text()
    metrics = json.loads(paths.metrics("stories", "gam", 0).read_text())
    assert metrics["weights"] in card
    assert f"| test       |{metrics['splits']['test']['token_loss']:17.4f} |" in card
    said = []
    for seed in ("3", "3", "4"):
        tokenised.monkeypatch.setattr(
            sys, "argv", ["gam", "generate", str(exported), "Once upon a", "--seed", seed, "--tokens", "9"]
        )
        capsys.readouterr()
        gam()
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    assert said[0].startswith("Once upon a")


def test_it_is_opened_without_the_pipeline(exported: Path) -> None:
    code = (
        "from gam.pretrained import PretrainedModel\n"
        f"model = PretrainedModel.from_pretrained({str(exported)!r})\n"
        "import torch\nfrom gam.generation import generate\n"
        "assert len(list(generate(model, torch.tensor([[1]]), 3))) == 3"
    )
    run_without(["pipeline", "pydantic", "dvc"], code, exported)
    run_without(["huggingface_hub", "safetensors", "tokenizers"], "import gam.generation", exported)


def edit(config: Path, **fields: int) -> None:
    config.write_text(json.dumps(json.loads(config.read_text()) | fields))


def no_tokens(file: Path) -> None:
    file.write_text(Tokenizer(models.BPE()).to_str())


DAMAGES: dict[str, Callable[[Path], object]] = {
    "holds no model: config.json is missing": lambda folder: (folder / "config.json").unlink(),
    "config.json: ": lambda folder: (folder / "config.json").write_text("{"),
    "of no model of gam": lambda folder: (folder / "config.json").write_text('{"model_type": "gpt2"}'),
    "block must be one of gam, transformer,": lambda folder: (folder / "config.json").write_text('{"block": "rnn"}'),
    "not one of this version of gam": lambda folder: (folder / "config.json").write_text('{"block": "gam", "new": 1}'),
    "config.json: [enforce fail": lambda folder: edit(folder / "config.json", vocab_size=10**15),
    "is damaged, or of another": lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 99),
    "is damaged, or of another model: ": lambda folder: edit(folder / "config.json", n_layer=1),
    "has no tokenizer: tokenizer.json is missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "tokenizer.json is damaged: ": lambda folder: (folder / "tokenizer.json").write_text("{"),
    "tokenizer.json is of another model: it has 0 tokens": lambda folder: no_tokens(folder / "tokenizer.json"),
    "prompt and new tokens must be at most block_size = ": lambda _: None,
}


def test_what_is_no_export_and_a_prompt_that_is_too_long(
    exported: Path, tokenised: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    for at, (says, damage) in enumerate(DAMAGES.items()):
        folder = shutil.copytree(exported, tokenised.folder / str(at))
        damage(folder)
        tokenised.monkeypatch.setattr(sys, "argv", ["gam", "generate", str(folder), "Once upon a time " * 50])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            gam()
        said = capsys.readouterr().err
        assert stop.value.code == 2
        assert said.startswith("error: ")
        assert says in said
        assert said.count("\n") == 1
    tokenised.monkeypatch.setattr(sys, "argv", ["gam", "generate", str(exported), "once \udcff"])
    with pytest.raises(SystemExit):
        gam()
    assert capsys.readouterr().err == "error: the prompt is no text in UTF-8\n"


def test_what_is_no_export_is_not_overwritten(
    exported: Path, tokenised: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenised.call(export, *RUN)  # an export is
    (tokenised.folder / "mine").mkdir()
    (tokenised.folder / "mine" / "letters").touch()
    with pytest.raises(SystemExit) as stop:
        tokenised.call(export, *RUN, "--to", "mine")
    assert stop.value.code == 2
    assert "mine is there, and holds no model" in capsys.readouterr().err
    assert (tokenised.folder / "mine" / "letters").exists()
    assert (exported / "config.json").exists()
    metrics = json.loads(paths.metrics("stories", "gam", 0).read_text())
    del metrics[CHECKSUM]
    paths.metrics("stories", "gam", 0).unlink()
    with pytest.raises(SystemExit):
        tokenised.call(export, *RUN)
    assert "is missing: run `dvc repro` to evaluate" in capsys.readouterr().err
    write_checked_json(paths.metrics("stories", "gam", 0), metrics | {"weights": "0" * 64})
    with pytest.raises(SystemExit):
        tokenised.call(export, *RUN)
    assert "is of other weights: run `dvc repro` to evaluate" in capsys.readouterr().err
