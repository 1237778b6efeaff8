"""The stages train and evaluate, and the fingerprint that says when they must run again."""

import copy
import dataclasses
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gam import LanguageModel
from gam.ops import selective_scan
from gam.ops.dropout import Dropout
from pipeline import fingerprint
from pipeline.artifacts.tensors import write_tensors
from pipeline.base import paths
from pipeline.evaluate import main as evaluate
from pipeline.evaluation import metrics, probes
from pipeline.fingerprint import main as fingerprint_main
from pipeline.params.schema import Train, load_params
from pipeline.tokenise import main as tokenise
from pipeline.train import main as train
from pipeline.training import protocol as training
from tests.conftest import Workspace, tokens_of

RUN = ("--dataset", "stories", "--model", "gam", "--seed", "0")


def run(name: str, model: str = "gam", seed: int = 0) -> Path:
    return {"weights": paths.weights, "curve": paths.curve, "clock": paths.clock, "metrics": paths.metrics}[name](
        "stories", model, seed
    )


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


@pytest.mark.filterwarnings("ignore")  # torch's compiler sets off warnings within torch
def test_compiled() -> None:
    """The same loss and gradients, without dropout."""
    config = load_params().models["gam"].config(29)
    config = dataclasses.replace(config, d_model=16, n_layer=1, block_size=12, dropout=0.0)
    batch = torch.randint(29, (2, 13), generator=torch.Generator().manual_seed(0))
    computed = []
    for prepare in (lambda _: None, training.compile_blocks):
        model = training.seeded_model(config, 0, torch.device("cpu"))
        prepare(model)
        loss = model.loss(batch[:, :-1], batch[:, 1:])
        loss.backward()
        computed.append((loss.detach(), *(parameter.grad for parameter in model.parameters())))
    for ours, theirs in zip(*computed, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


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


@pytest.mark.usefixtures("tokenised")
def test_metrics_by_hand() -> None:
    """Loss by its definition, token-weighted loss, bits per byte and word perplexity, from single logits."""
    tokens, entry = tokens_of("stories"), load_params().models["gam"]
    torch.manual_seed(0)
    model = LanguageModel(entry.config(tokens.vocab_size)).eval()
    blocks = tokens.blocks("test", 32)
    counts = tokens.splits["test"]
    with torch.no_grad():
        logits = model(torch.from_numpy(blocks[:, :-1].astype(np.int64)))[0].double()
    targets = torch.from_numpy(blocks[:, 1:].astype(np.int64))
    nats = -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]
    batch = 7
    assert len(blocks) % batch != 0
    expected = torch.stack([part.mean() for part in nats.split(batch)]).mean().item()
    score = metrics.score_blocks(model, blocks, batch, "float32")
    described = metrics.describe(score, counts)
    assert described.loss == pytest.approx(expected, rel=1e-6)
    assert described.token_loss == pytest.approx(nats.mean().item(), rel=1e-6)
    assert described.loss != pytest.approx(described.token_loss, rel=1e-6)
    per_token = nats.mean().item()
    assert described.bits_per_byte == pytest.approx(per_token * counts.tokens / counts.bytes / math.log(2), rel=1e-6)
    assert described.word_perplexity == pytest.approx(math.exp(per_token * counts.tokens / counts.words), rel=1e-6)
    assert described.targets == targets.numel()


def test_all_models_see_the_same_data_order(tokenised: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[bytes]] = {"gam": [], "transformer": []}
    original = training.train_step
    for model, batches in seen.items():

        def spy(network: Any, optimiser: Any, batch: torch.Tensor, *rest: Any, to: list[bytes] = batches) -> Any:
            to.append(batch.numpy().tobytes())
            return original(network, optimiser, batch, *rest)

        monkeypatch.setattr(training, "train_step", spy)
        tokenised.call(train, "--dataset", "stories", "--model", model, "--seed", "0")
    assert seen["gam"] == seen["transformer"]
    half = len(seen["gam"]) // 2
    assert sorted(seen["gam"][0]) != sorted(seen["gam"][half])  # shuffled anew each epoch


def test_learning_rate_ends_one_step_after_the_last() -> None:
    settings = load_params_train(warmup_steps=100, learning_rate=3e-4)
    rates = [training.learning_rate(step, 1000, settings) for step in range(1001)]
    assert rates[0] == 0
    assert rates[100] == max(rates) == 3e-4
    assert rates[550] == pytest.approx(1.5e-4)
    assert rates[999] > 0
    assert rates[1000] == pytest.approx(0, abs=1e-18)
    assert training.learning_rate(0, 1, load_params_train(warmup_steps=0)) > 0
    assert training.learning_rate(99, 50, settings) < 3e-4  # fewer steps than the warm-up


def load_params_train(**changes: Any) -> Train:
    return fingerprint.SETTINGS.model_copy(update=changes)


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
    tokenised.edit({"models": {"gam": {"block_size": 5500}}})
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


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_without_cuda(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    tokenised.edit({"runtime": {"device": "cuda"}})
    assert "runtime.device is cuda, but torch sees no CUDA device" in refusal(train, *RUN)


def test_weights_that_do_not_fit(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    assert "is missing: train the model" in refusal(evaluate, *RUN)
    tokenised.call(train, *RUN)
    tokenised.edit({"models": {"gam": {"n_slot": 5}}})
    message = refusal(evaluate, *RUN)
    assert "seed-0.safetensors does not fit its entry in params.yaml: blocks.0.memory_bank has shape (5, 16)" in message
    run("weights").write_bytes(run("weights").read_bytes()[:-9])
    assert "seed-0.safetensors is damaged" in refusal(evaluate, *RUN)
    write_tensors(run("weights"), {"x": torch.zeros(1)})
    assert "is missing from the weights" in refusal(evaluate, *RUN)
    assert not run("metrics").exists()


def test_damaged_tokenizer(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    tokenised.call(train, *RUN)
    (paths.tokens("stories") / "tokenizer.json").write_text("{")
    message = refusal(evaluate, *RUN)
    assert (
        "data/tokens/stories/tokenizer.json is missing or damaged: delete data/tokens/stories and run `dvc repro`"
        in message
    )
    assert not run("metrics").exists()


def fingerprint_of(workspace: Workspace, model: str = "gam") -> tuple[Any, Any]:
    workspace.call(fingerprint_main, "--model", model)
    files = paths.training_fingerprint(model), paths.evaluation_fingerprint(model)
    return tuple(json.loads(file.read_text()) for file in files)  # type: ignore[return-value]  # two of them


def test_fingerprint_stays_where_numbers_agree(workspace: Workspace) -> None:
    first = copy.deepcopy(fingerprint_of(workspace))
    file = paths.training_fingerprint("gam")
    nearly = json.loads(file.read_text())
    nearly["losses"] = [loss * (1 + 2e-5) for loss in nearly["losses"]]
    file.write_text(json.dumps(nearly))
    kept = file.read_bytes()
    fingerprint_of(workspace)
    assert file.read_bytes() == kept  # rounding of another machine: the file stays, byte for byte
    nearly["losses"][-1] *= 1 + 1e-3
    file.write_text(json.dumps(nearly))
    assert fingerprint_of(workspace) == first
    file.write_text("{")
    assert fingerprint_of(workspace) == first


def wrong_clip(*_arguments: object) -> None:
    """No clipping at all."""


def wrong_optimiser(weight_decay: float = 0.5, beta2: float = 0.95) -> Callable[..., torch.optim.Optimizer]:
    def make(model: LanguageModel, settings: Train) -> torch.optim.Optimizer:
        betas = (settings.beta1, beta2)
        return torch.optim.AdamW(model.parameters(), lr=0.0, betas=betas, weight_decay=weight_decay)

    return make


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "no clipping": lambda patch: patch.setattr(torch.nn.utils, "clip_grad_norm_", wrong_clip),
    "less decay": lambda patch: patch.setattr(training, "make_optimiser", wrong_optimiser(weight_decay=0.45)),
    "other beta": lambda patch: patch.setattr(training, "make_optimiser", wrong_optimiser(beta2=0.96)),
    "schedule ends on the last step": lambda patch: patch.setattr(
        training, "learning_rate", lambda step, total, settings: original_rate(step, total - 1, settings)
    ),
    "no dropout": lambda patch: patch.setattr(Dropout, "forward", lambda _self, x: x),
    "other data order": lambda patch: patch.setattr(
        torch, "randperm", lambda n, generator: original_order(n, generator=generator).flip(0)
    ),
    "token-weighted validation": lambda patch: patch.setattr(
        training, "score_blocks", lambda *a: dataclasses.replace(s := original_score(*a), loss=s.token_loss)
    ),
    "other blocks": lambda patch: patch.setattr(fingerprint, "cut_blocks", lambda *a: original_cut(*a)[:, ::-1].copy()),
    "other seeding": lambda patch: patch.setattr(
        fingerprint, "seeded_model", lambda config, seed, device: training.seeded_model(config, seed + 1, device)
    ),
    "other initialisation": lambda patch: patch.setattr(torch.nn.init, "xavier_uniform_", torch.nn.init.xavier_normal_),
}
original_rate, original_order, original_score = training.learning_rate, torch.randperm, metrics.score_blocks
original_cut = fingerprint.cut_blocks


@pytest.mark.parametrize("change", CHANGES)
def test_fingerprint_sees_changed_mathematics(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = fingerprint_of(workspace)[0]
    with monkeypatch.context() as patch:
        CHANGES[change](patch)
        assert fingerprint_of(workspace)[0] != first


def test_fingerprint_sees_the_scan_carry_its_state(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mamba's scan goes chunk by chunk: a state that is lost between chunks must show."""
    first = fingerprint_of(workspace, "mamba")[0]
    monkeypatch.setattr("gam.ops.selective_scan.CHUNK", 64)  # one chunk: the same numbers
    assert fingerprint_of(workspace, "mamba")[0] == first
    original = selective_scan._states
    monkeypatch.setattr("gam.ops.selective_scan.CHUNK", 16)
    monkeypatch.setattr(selective_scan, "_states", lambda h, *rest: original(torch.zeros_like(h), *rest))
    assert fingerprint_of(workspace, "mamba")[0] != first


def test_a_new_metric_evaluates_anew_without_training(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fingerprint_of(workspace)

    def describe(score: metrics.Score, _counts: object) -> Any:
        return metrics.describe(score, fingerprint.COUNTS).model_copy(update={"bits_per_byte": score.loss})

    monkeypatch.setattr(fingerprint, "describe", describe)
    second = fingerprint_of(workspace)
    assert second[0] == first[0]
    assert second[1] != first[1]


PROBES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "reach": lambda patch: patch.setattr(fingerprint, "reach_by_change", lambda *_: 1),
    "gates": lambda patch: patch.setattr(probes, "_preference", lambda block, x: -original_preference(block, x)),
    "words": lambda patch: patch.setattr(fingerprint, "FUNCTION_WORDS", fingerprint.FUNCTION_WORDS - {"the"} | {"teh"}),
    "classes": lambda patch: patch.setattr(probes, "UNKNOWN_WORD", "<UNK>"),
}
original_preference = probes._preference


@pytest.mark.parametrize("change", PROBES)
def test_a_changed_probe_evaluates_anew_without_training(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    first = fingerprint_of(workspace)
    PROBES[change](monkeypatch)
    second = fingerprint_of(workspace)
    assert second[0] == first[0]
    assert second[1] != first[1]


def test_fingerprint_without_gates_stays(workspace: Workspace) -> None:
    gates = fingerprint_of(workspace, "gam-sum-fusion")[1]["gates"]
    assert gates == []
    file = paths.evaluation_fingerprint("gam-sum-fusion")
    kept = file.stat().st_mtime_ns
    fingerprint_of(workspace, "gam-sum-fusion")
    assert file.stat().st_mtime_ns == kept
