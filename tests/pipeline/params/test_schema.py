"""What params.yaml may say: the one that ships is the paper's protocol; mistakes are named in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.params.schema import load_params
from tests.conftest import Workspace

GAM, TRANSFORMER = {"models": {"gam": {}}}, {"models": {"transformer": {}}}


def test_the_paper_protocol() -> None:
    params = load_params(HOUSE / "params.yaml")
    assert params.train.model_dump() == {
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 3e-4,
        "warmup_steps": 100,
        "beta1": 0.9,
        "beta2": 0.95,
        "weight_decay": 0.1,
        "clip_norm": 1.0,
    }
    assert {name: params.datasets[name].vocab_size for name in params.families["paper"].datasets} == {
        "wikitext-2": 10_000,
        "wikitext-2-v1": 10_000,
        "tinystories": 10_000,
    }
    for name in params.families["paper"].members():
        assert params.models[name].precision == "float32"
        assert (params.models[name].d_model, params.models[name].n_layer) == (512, 6)
        assert params.models[name].block_size == 256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": {"gam": {"n_slots": 4}}}, "models.gam.n_slots is not a known key"),
        ({"trian": {}}, "trian is not a known key"),
        ({"models": {"gam": {"n_slot": "many"}}}, "models.gam.n_slot: input should be a valid integer, got 'many'"),
        ({"models": {"gam": {"n_slot": True}}}, "models.gam.n_slot: input should be a valid integer"),
        ({"models": {"gam": {"n_slot": -1}}}, "models.gam.n_slot must be an integer of at least 1, got -1"),
        ({"models": {"gam": {"n_slot": 2**63}}}, f"models.gam.n_slot must fit in 64 bits, got {2**63}"),
        ({"models": {"gam": {"block_size": 1}}}, "models.gam.block_size must be at least 2, got 1"),
        (
            {"models": {"gam": {"block": "rnn"}}},
            "models.gam.block must be one of 'gam', 'transformer', 'mamba', 'gated_slots'",
        ),
        (
            {"models": {"gam": {"precision": "int8"}}},
            "models.gam.precision: input should be 'float32', 'tfloat32' or 'bfloat16'",
        ),
        ({"models": {"transformer": {"n_head": 5}}}, "models.transformer.n_head must divide d_model = 16, got 5"),
        ({"train": {"epochs": 0}}, "train.epochs: input should be greater than 0, got 0"),
        ({"train": {"batch_size": 2**63}}, "train.batch_size: input should be less than"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate: input should be"),
        ({"train": {"learning_rate": "3e-4x"}}, "train.learning_rate: input should be a valid number"),
        ({"datasets": {"stories": {"rows": {"train": 0}}}}, "datasets.stories.rows.train: input should be greater"),
        ({"datasets": {"stories": {"rows": {"train": None}}}}, "datasets.stories.rows must be numbers"),
        ({"datasets": {"stories": {"sha256": {"train": "x"}}}}, "datasets.stories.sha256.train: string should match"),
        ({"datasets": {"stories": {"origin": {"path": "a/b"}}}}, "datasets.stories.origin.path is not a known key"),
        ({"datasets": {"stories": {"origin": None}}}, "datasets.stories.origin"),
        ({"datasets": {"stories": {"origin": "wikitext"}}}, "datasets.stories.origin"),
        ({"models": {"gam-1.5": {}}}, "models.gam-1.5: string should match pattern"),
        ({"datasets": {"stories": {"claims": ["C1"]}}}, "datasets.stories.claims.0: input should be 'C3', 'C4'"),
        ({"datasets": {"stories": {"claims": ["C3", "C3"]}}}, "datasets.stories.claims names 'C3' twice"),
        ({"datasets": {"x" * 65: {}}}, "string should have at most 64 characters"),
        ({"x" * 10_000: 0}, f"params.yaml: {'x' * 100} ... {'x' * 50} is not a known key"),
        ({"\x1b[31m\u2028red": 0}, r"params.yaml: \x1b[31m red is not a known key"),
        ({"train": {"epochs": "x" * 10_000}}, "train.epochs: input should be a valid integer, got 'xxx"),
        ({"scaling": {"cap": {"gib": 1e300}}}, "scaling.cap.gib: input should be less than or equal to 1048576"),
        ({"runtime": {"threads": 10**12}}, "runtime.threads: input should be less than or equal to 1024"),
        ({"timing": {"models": ["transformer"]}}, "timing.models names no whole GAM to compare: add it"),
        ({"timing": {"models": ["gam", "rnn"]}}, "timing.models names 'rnn', which models does not have"),
        ({"models": {"mamba": {"block_size": 16}}}, "timing.models differ in block_size (transformer 32,"),
        ({"scaling": {"models": ["gam", "gam"]}}, "scaling.models names 'gam' twice"),
        ({"claims": {"assay_nats": 0.0}}, "claims.assay_nats: input should be greater than 0, got 0.0"),
        ({"scaling": {"cpu": {"lengths": [64, 32]}}}, "scaling.cpu.lengths must name each length once, the shortest"),
        ({"scaling": {"cpu": {"lengths": []}}}, "scaling.cpu.lengths: list should have at least 1 item"),
        (
            {"scaling": {"cpu": {"repetitions": 4}}},
            "scaling.cpu.repetitions: input should be greater than or equal to 5",
        ),
        ({"scaling": {"repetitions": 4}}, "scaling.repetitions is of an earlier version: each type of device has"),
        ({"timing": {"measurements": 0}}, "timing.measurements: input should be greater than 0, got 0"),
        ({"claims": {"linear": [0.9, 1.1]}}, "claims.linear is of an earlier version: what counts as linear is"),
        (
            {"claims": {"linear_ratio": [2.1, 1.9]}},
            "claims.linear_ratio must go from the smaller to the larger, got [2",
        ),
        ({"claims": {"quadratic_ratio": [4.0]}}, "claims.quadratic_ratio: list should have at least 2 items"),
        (
            {"claims": {"longest": 1024}},
            "claims.longest must be shortest, which is 1024, doubled once or more, got 1024",
        ),
        (
            {"claims": {"longest": 3000}},
            "claims.longest must be shortest, which is 1024, doubled once or more, got 3000",
        ),
        ({"models": {"gam": None}}, "models.gam"),
        ({"datasets": {"../up": {}}}, "datasets.../up: string should match pattern"),
        ({"runtime": {"device": "tpu"}}, "runtime.device: input should be 'auto', 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_mistakes(workspace: Workspace, refusal: Callable[..., str], change: dict[str, Any], message: str) -> None:
    workspace.edit(change)
    assert message in refusal(check)
    assert not (workspace.folder / "data").exists()
