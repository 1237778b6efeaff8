"""The stage inside: what it writes of a trained run, the same each time, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.artifacts.current import read_inside, read_metrics
from pipeline.base import paths
from pipeline.evaluate import main as evaluate
from pipeline.evaluation.probes import GATE_BLOCKS
from pipeline.inside import main as inside
from pipeline.params.schema import load_params
from pipeline.train import main as train
from tests.conftest import Workspace, tokens_of
from tests.pipeline.conftest import RUN, run


def test_agrees_with_the_evaluation(tokenised: Workspace) -> None:
    for stage in (train, evaluate, inside):
        tokenised.call(stage, *RUN)
    params = load_params()
    (found,), (metrics,) = (read(params, "stories", "gam") for read in (read_inside, read_metrics))
    blocks = len(tokens_of("stories").blocks("validation", 32))
    assert (found.blocks, found.path_blocks, found.slot_blocks) == (blocks, GATE_BLOCKS, blocks)
    loss = sum(found.position_losses) / len(found.position_losses)
    assert loss == pytest.approx(metrics.splits["validation"].token_loss, rel=1e-5)
    assert [at.tokens for at in found.context_losses] == [1, 2, 4, 5, 8, 16, 32]
    assert found.context_losses[-1].loss == found.position_losses[-1]
    for layer, gates in zip(found.paths, metrics.gates, strict=True):
        difference = layer.local.content_words.gate - layer.memory.content_words.gate
        assert difference == pytest.approx(gates.content_words, abs=1e-6)
    assert [layer.slots for layer in found.slots] == [16, 16]
    assert found.provenance.precision == "float32"
    before = paths.inside("stories", "gam", 0).read_bytes()
    tokenised.call(inside, *RUN)
    assert paths.inside("stories", "gam", 0).read_bytes() == before


@pytest.mark.parametrize(("model", "paths_seen", "banks"), [("transformer", 0, 0), ("gam-sum-fusion", 0, 2)])
def test_other_models(tokenised: Workspace, model: str, paths_seen: int, banks: int) -> None:
    of_run: Any = ("--dataset", "stories", "--model", model, "--seed", "0")
    tokenised.call(train, *of_run)
    tokenised.call(inside, *of_run)
    (found,) = read_inside(load_params(), "stories", model)
    assert (len(found.paths), len(found.slots), len(found.position_losses)) == (paths_seen, banks, 32)


def test_weights_that_do_not_fit(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    assert "is missing: train the model" in refusal(inside, *RUN)
    tokenised.call(train, *RUN)
    run("weights").write_bytes(run("weights").read_bytes()[:-9])
    assert "seed-0.safetensors is damaged" in refusal(inside, *RUN)
    assert not paths.inside("stories", "gam", 0).exists()
