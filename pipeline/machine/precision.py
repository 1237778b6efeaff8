"""The type in which matrix products are computed. Weights, norms and losses are float32 always."""

from contextlib import AbstractContextManager, nullcontext

import torch

from pipeline.params.models import Precision


def forward_in(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """A context for a forward pass. It also says how float32 products are made from here on, in backward passes too."""
    torch.set_float32_matmul_precision("high" if precision == "tfloat32" else "highest")
    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
