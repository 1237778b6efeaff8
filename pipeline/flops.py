"""Stage `flops`: models -> how many floating-point operations their training takes -> results/flops.json.

Counted by torch's own counter on one block of each model, forward and backward, on tensors without content: the same
on every machine. The matrix products count, a multiplication and an addition each; what is no product does not.
Attention counts as published, masked pairs too, and so does what a fast way computes twice to save memory: once.
"""

from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from gam import LanguageModel, ModelConfig
from pipeline.artifacts.cost_records import FlopCounts
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.storage import read_result, write_result
from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names


def main() -> None:
    _, params = read_names(__doc__)
    machine = start(params.runtime.model_copy(update={"device": "cpu"}))
    per_token: dict[str, dict[str, int]] = {}
    for dataset, model in params.runs():
        config = params.models[model].config(params.datasets[dataset].vocab_size)
        per_token.setdefault(dataset, {})[model] = training_flops(config) // config.block_size
    if per_token != _counted_before():  # a file that says the same stays, byte for byte
        write_result(paths.FLOPS, FlopCounts(per_token=per_token, provenance=provenance(machine, "float32")))


@cache
def training_flops(config: ModelConfig) -> int:
    """Of a block of block_size tokens, forward and backward."""
    with torch.device("meta"):
        model = LanguageModel(config)
        tokens = torch.zeros(1, config.block_size, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        # The plain loss: the one that training takes adds to gradients in place, which the counter does not see.
        loss = model(tokens, tokens)[1]
        loss.backward()
    return counter.get_total_flops()


def _counted_before() -> dict[str, dict[str, int]] | None:
    try:
        found = read_result(paths.FLOPS, FlopCounts)
    except UserError:
        return None
    return found.per_token if found else None


if __name__ == "__main__":
    exit_cleanly(main)
