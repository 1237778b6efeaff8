"""What the stage evaluate refuses."""

from collections.abc import Callable

import torch

from pipeline.artifacts.tensors import write_tensors
from pipeline.base import paths
from pipeline.evaluate import main as evaluate
from pipeline.train import main as train
from tests.conftest import Workspace
from tests.pipeline.conftest import RUN, run


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
