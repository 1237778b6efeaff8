"""The protocol of a training: order of the data, learning rate, compiled blocks."""

import dataclasses
from typing import Any

import pytest
import torch

from pipeline import fingerprint
from pipeline.params.protocols import Train
from pipeline.params.schema import load_params
from pipeline.train import main as train
from pipeline.training import protocol as training
from tests.conftest import Workspace


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
