"""Several processes train a model as one process does: same losses, same masks of dropout, same generator."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gam.ops.dropout import rows_of
from pipeline.fingerprint import SETTINGS
from pipeline.machine.processes import joined
from pipeline.training.protocol import RunState, Step, seeded_model, train_epochs
from tests.pipeline.machine.test_precision import MODELS
from tests.team import Team

TRAINING = SETTINGS.model_copy(update={"epochs": 17, "batch_size": 5, "learning_rate": 0.001, "clip_norm": 0.1})
"""51 steps on batches of 5, 5 and 3 blocks: two processes share 5 as 3 and 2, and of four the last has none of 3."""
TRAINED = 13
Run = tuple[list[float], list[float], np.ndarray, np.ndarray]
"""Losses of the steps and of the validations, torch's generator at the end, and all weights."""


def trained_together() -> dict[str, Run]:
    """All models in turn, and the first one again."""
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")
    names = list(MODELS)
    runs = {}
    with joined() as processes:
        for name in [*names, f"{names[0]} again"]:
            config = MODELS[name.removesuffix(" again")]
            blocks = np.random.default_rng(0).integers(0, config.vocab_size, (19, config.block_size + 1))
            state = RunState(seeded_model(config, 0, torch.device("cpu")), TRAINED, TRAINING)
            steps: list[Step] = []
            epochs = train_epochs(
                state, blocks[:TRAINED], blocks[TRAINED:], TRAINING, 0, "float32", steps.append, processes
            )
            validations = [epoch.validation_loss for epoch in epochs]
            weights = torch.cat([parameter.detach().flatten() for parameter in state.model.parameters()])
            losses = [step.loss.item() for step in steps]
            runs[name] = losses, validations, torch.get_rng_state().numpy(), weights.numpy()
    return runs


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    (one,) = Team(tmp_path_factory.mktemp("alone"), 1, trained_together).wait()
    runs: dict[str, Run] = one.result
    return runs


@pytest.mark.parametrize("count", [2, 4])
def test_as_one_process(alone: dict[str, Run], tmp_path: Path, count: int) -> None:
    members = Team(tmp_path, count, trained_together).wait()
    assert [member.code for member in members] == [0] * count, [member.err for member in members]
    first, *others = (member.result for member in members)
    for name, (losses, validations, generator, weights) in first.items():
        assert losses == pytest.approx(alone[name][0], rel=1e-5), name
        assert validations == pytest.approx(alone[name][1], rel=1e-5), name
        assert np.array_equal(generator, alone[name][2]), name
        for other in others:
            assert (other[name][0], other[name][1]) == (losses, validations), name
            assert np.array_equal(other[name][3], weights), name
    again = first["gam again"]
    assert again[:2] == first["gam"][:2]
    assert np.array_equal(again[3], first["gam"][3]), "not the same bytes twice"


def test_other_masks_would_show() -> None:
    config = MODELS["gam"]
    model = seeded_model(config, 0, torch.device("cpu"))
    tokens = torch.zeros(2, config.block_size, dtype=torch.int64)
    found = []
    for rows in (slice(0, 2), slice(2, 4)):
        torch.manual_seed(0)
        with rows_of(4, rows):
            found.append(model.loss(tokens, tokens).item())
    assert abs(found[0] / found[1] - 1) > 1e-4
