"""The stage flops: operations counted on tensors without content are those of a training step."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gam import LanguageModel
from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, ModelConfig, TransformerConfig
from pipeline.artifacts.cost_records import FlopCounts
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.claims.arithmetic import multiply_adds
from pipeline.flops import main as flops
from pipeline.flops import training_flops
from pipeline.params.schema import load_params
from tests.conftest import Workspace

SIZE = {"vocab_size": 40, "block_size": 24, "d_model": 16, "n_layer": 2, "dropout": 0.1}
CONFIGS = {
    "gam": GAMConfig(**SIZE, n_slot=8, kernel_size=3),
    "gam-local-only": GAMConfig(**SIZE, n_slot=8, kernel_size=3, memory=False, gate=False),
    "transformer": TransformerConfig(**SIZE, n_head=2),
    "mamba": MambaConfig(**SIZE, d_state=4, d_conv=3, expand=2),
    "gated-slots": GatedSlotsConfig(**SIZE, n_head=2, n_slot=8),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_step_on_the_cpu_takes_as_many(config: ModelConfig) -> None:
    model = LanguageModel(config).train()
    tokens = torch.zeros(1, config.block_size, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        model(tokens, tokens)[1].backward()
    assert training_flops(config) == counter.get_total_flops()


@pytest.mark.parametrize("name", ["gam", "gam-local-only", "transformer"])
def test_it_is_what_arithmetic_says(name: str) -> None:
    """Two operations for each multiplication, and a backward pass of two forward passes."""
    config = CONFIGS[name]
    block = multiply_adds(config, config.block_size)
    assert block is not None
    head = config.block_size * config.d_model * config.vocab_size
    assert training_flops(config) == 3 * 2 * (config.n_layer * block + head)


def test_flops(workspace: Workspace) -> None:
    workspace.call(flops)
    result = read_result(paths.FLOPS, FlopCounts)
    assert result is not None
    params = load_params()
    assert {(dataset, model) for dataset, models in result.per_token.items() for model in models} == set(params.runs())
    config = params.models["gam"].config(params.datasets["stories"].vocab_size)
    assert result.per_token["stories"]["gam"] == training_flops(config) // config.block_size


def test_a_file_that_says_the_same_stays(workspace: Workspace) -> None:
    workspace.call(flops)
    written = paths.FLOPS.stat().st_mtime_ns
    workspace.call(flops)
    assert paths.FLOPS.stat().st_mtime_ns == written
    whole = paths.FLOPS.read_bytes()
    for change in (b"{", whole.replace(b'"stories"', b'"other"')):
        paths.FLOPS.write_bytes(change)
        workspace.call(flops)
        assert paths.FLOPS.read_bytes() == whole
    workspace.edit({"datasets": {"stories": {"vocab_size": 140}}})
    workspace.call(flops)
    assert paths.FLOPS.read_bytes() != whole
