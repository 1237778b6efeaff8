"""The stages train and evaluate together: what they write, and what train refuses."""

import dataclasses
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gam import LanguageModel
from pipeline.artifacts.current import read_diverged
from pipeline.base import paths
from pipeline.evaluate import main as evaluate
from pipeline.params.schema import load_params
from pipeline.tokenise import main as tokenise
from pipeline.train import main as train
from pipeline.training import protocol
from tests.conftest import Workspace, tokens_of
from tests.pipeline.conftest import RUN, run


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("model", ["transformer", "gam", "mamba"])
def test_same_seed_same_bytes(tokenised: Workspace, model: str, precision: str) -> None:
    mamba = dataclasses.asdict(load_params().models["gam"].config(9)) | {"block": "mamba", "precision": "float32"}
    fields = {key: mamba[key] for key in ("block", "block_size", "d_model", "n_layer", "dropout", "precision")}
    fields |= {"d_state": 4, "d_conv": 4, "expand": 2, "residual": False, "compile": False}
    tokenised.edit({"models": {"mamba": fields}})
    tokenised.edit({"models": {model: {"precision": precision}}})
    kept: list[list[bytes]] = []
    for _ in range(2):
        for stage in (train, evaluate):
            tokenised.call(stage, "--dataset", "stories", "--model", model, "--seed", "3")
        kept.append([run(name, model, 3).read_bytes() for name in ("weights", "curve", "metrics")])
    assert kept[0] == kept[1]
    tokenised.call(train, "--dataset", "stories", "--model", model, "--seed", "4")
    assert run("weights", model, 4).read_bytes() != kept[0][0]


def test_results(tokenised: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    tokenised.call(train, *RUN)
    assert "epoch 2: train" in capsys.readouterr().err
    tokenised.call(evaluate, *RUN)
    curve, clock, metrics_ = (json.loads(run(name).read_text()) for name in ("curve", "clock", "metrics"))
    tokens, entry = tokens_of("stories"), load_params().models["gam"]
    model = LanguageModel(entry.config(tokens.vocab_size))
    model.load_published(load_file(run("weights")))
    assert curve["parameters"] == model.n_parameters()
    assert [epoch["epoch"] for epoch in curve["epochs"]] == [epoch["epoch"] for epoch in clock["epochs"]] == [1, 2]
    assert all(epoch["train_seconds"] > 0 for epoch in clock["epochs"])
    for result in (curve, clock, metrics_):
        assert (result["dataset"], result["model"], result["seed"]) == ("stories", "gam", 0)
        stamp = result["provenance"]
        assert stamp["threads"] == 2
        assert stamp["precision"] == "float32"
        assert stamp["packages"]["torch"] == torch.__version__
        assert stamp["data"]["train"] == tokens.splits["train"].sha256
    validation = metrics_["splits"]["validation"]
    assert validation["loss"] == curve["epochs"][-1]["validation_loss"]
    assert validation["perplexity"] == pytest.approx(math.exp(validation["loss"]))
    assert metrics_["splits"].keys() == {"validation", "test"}
    assert metrics_["reach_by_gradient"] == metrics_["reach_by_change"] == 5  # 2 layers of 3 taps
    assert [layer.keys() for layer in metrics_["gates"]] == [{"function_words", "content_words"}] * 2


def test_a_models_own_learning_rate(tokenised: Workspace) -> None:
    """It trains as if `train` had it; the curve tells what stood where."""
    tokenised.edit({"models": {"gam": {"learning_rate": 0.01}}})
    tokenised.call(train, *RUN)
    own = json.loads(run("curve").read_text())
    assert (own["entry"]["learning_rate"], own["train"]["learning_rate"]) == (0.01, load_params().train.learning_rate)
    text = (tokenised.folder / "params.yaml").read_text()
    assert text.count("learning_rate: 0.0003") == 1
    (tokenised.folder / "params.yaml").write_text(text.replace("learning_rate: 0.0003", "learning_rate: 0.002"))
    tokenised.call(train, *RUN)
    assert json.loads(run("curve").read_text())["epochs"] == own["epochs"]
    tokenised.edit({"train": {"learning_rate": 0.01}, "models": {"gam": {"learning_rate": None}}})
    tokenised.call(train, *RUN)
    assert json.loads(run("curve").read_text())["epochs"] == own["epochs"]
    tokenised.edit({"train": {"learning_rate": 0.002}})
    tokenised.call(train, *RUN)
    assert json.loads(run("curve").read_text())["epochs"] != own["epochs"]


@pytest.mark.parametrize(
    ("stage", "arguments", "message"),
    [
        (train, ("--dataset", "stories", "--model", "gma", "--seed", "0"), "unknown model 'gma' (did you mean 'gam'?)"),
        (train, ("--dataset", "storys", "--model", "gam", "--seed", "0"), "unknown data set 'storys'"),
        (train, ("--dataset", "stories", "--model", "gam", "--seed", "-1"), "--seed must lie in 0 to 2**63 - 1"),
        (train, ("--dataset", "stories", "--model", "gam", "--seed", "x"), "invalid int value: 'x'"),
        (train, ("--dataset", "stories", "--model", "gam"), "required: --seed"),
        (train, RUN, "data/tokens/stories/counts.json is missing: make it with `dvc repro`"),
        (evaluate, RUN, "data/tokens/stories/counts.json is missing"),
        (tokenise, ("--dataset", "stories"), "data/raw/stories/rows.json is missing"),
    ],
)
def test_refusals(
    refusal: Callable[..., str], workspace: Workspace, stage: Any, arguments: tuple[str, ...], message: str
) -> None:
    assert message in refusal(stage, *arguments)
    assert [file.name for file in workspace.folder.iterdir()] == ["params.yaml"]


def test_split_shorter_than_a_block(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    longer = {"block_size": 5500}
    models = load_params().models
    tokenised.edit({"models": dict.fromkeys(models, longer), "datasets": {"stories": longer}})
    message = refusal(train, *RUN)
    assert "split validation" in message
    assert "fewer than one block of 5501: lower the model's block_size or use more rows" in message
    assert not run("curve").exists()


def test_diverging_training_stops(tokenised: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    tokenised.edit({"train": {"learning_rate": 1e30, "warmup_steps": 0, "clip_norm": 1e30}})
    with pytest.raises(SystemExit):
        tokenised.call(train, *RUN)
    message = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"error: the loss is (nan|inf) in step 2 \(epoch 1, batch 2\): lower train.learning_rate", message)
    assert not run("curve").exists()


def test_a_run_that_diverged_says_where_until_one_ends_well(tokenised: Workspace) -> None:
    """Tables tell of it while params.yaml has what it was made with."""
    tokenised.edit({"train": {"learning_rate": 1e30, "warmup_steps": 0, "clip_norm": 1e30}})
    with pytest.raises(SystemExit):
        tokenised.call(train, *RUN)
    (end,) = read_diverged(load_params(), "stories", "gam")
    assert (end.seed, end.epoch, end.step) == (0, 1, 2)
    tokenised.edit({"train": {"learning_rate": 0.001, "clip_norm": 1.0}})
    assert read_diverged(load_params(), "stories", "gam") == []
    tokenised.call(train, *RUN)
    assert run("curve").exists()
    assert not paths.diverged("stories", "gam", 0).exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_without_cuda(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    tokenised.edit({"runtime": {"device": "cuda"}})
    assert "runtime.device is cuda, but torch sees no CUDA device" in refusal(train, *RUN)


def test_out_of_memory(tokenised: Workspace, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    assert tokenised
    monkeypatch.setattr(protocol, "train_step", full)
    message = refusal(train, *RUN)
    assert "stories gam seed 0 ran out of the memory of" in message
    assert "lower train.batch_size or the model's block_size, or set models.gam.precision to bfloat16" in message


def test_too_little_disk(tokenised: Workspace, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Known before the first step, and before anything is written. How large a text is, fetch learns as it comes."""
    assert tokenised
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=50_000))
    for stage_main, arguments in ((train, RUN), (tokenise, RUN[:2])):
        before = {file: file.read_bytes() for file in Path("data").rglob("*") if file.is_file()}
        assert "MiB of disk, and 0 MiB are free: free some" in refusal(stage_main, *arguments)
        assert {file: file.read_bytes() for file in Path("data").rglob("*") if file.is_file()} == before
    assert list(paths.WORK.rglob("*.safetensors")) == []
