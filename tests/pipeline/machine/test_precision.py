"""In which type each operation runs under bfloat16, as recorded in tests/golden/precision.json.

The fingerprint of a model is made in float32, so it would not see that a product, a softmax or a loss had moved to
another type. `python -m tests.pipeline.machine.test_precision` records anew, after a change that is meant.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, ModelConfig, TransformerConfig
from pipeline.fingerprint import SETTINGS
from pipeline.training.protocol import make_optimiser, seeded_model, train_step

GOLDEN = Path(__file__).parents[2] / "golden"

FILE = GOLDEN / "precision.json"
TRUNK: dict[str, Any] = {"vocab_size": 29, "block_size": 20, "d_model": 16, "n_layer": 1, "dropout": 0.1}
MODELS: dict[str, ModelConfig] = {
    "gam": GAMConfig(**TRUNK, n_slot=8, kernel_size=3),
    "transformer": TransformerConfig(**TRUNK, n_head=4),
    "transformer-fused": TransformerConfig(**TRUNK, n_head=4, fused=True),
    "mamba": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2),
    "mamba-residual": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2, residual=True),
    "gated-slots": GatedSlotsConfig(**TRUNK, n_head=4, n_slot=8),
}
MOVES = frozenset(
    "_to_copy _unsafe_view alias cat clone copy_ detach empty empty_like expand full lift_fresh ones_like permute "
    "random_ select slice slice_backward split stack t transpose unbind unsqueeze view zeros zeros_like".split()
)
"""Operations that move or make numbers, and compute nothing."""


class Types(TorchDispatchMode):
    """Counts each operation, by the type of its first result where that is a floating-point number."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        first = result[0] if isinstance(result, tuple | list) and result else result
        if isinstance(first, torch.Tensor) and first.is_floating_point():
            name = func.overloadpacket.__name__
            if name not in MOVES:
                self.seen[f"{name} {str(first.dtype).removeprefix('torch.')}"] += 1
        return result


def types_of(config: ModelConfig) -> dict[str, int]:
    """How often one training step does which operation, in which type."""
    model = seeded_model(config, 0, torch.device("cpu"))
    optimiser = make_optimiser(model, SETTINGS)
    batch = torch.randint(config.vocab_size, (2, config.block_size + 1), generator=torch.Generator().manual_seed(0))
    with Types() as types:
        loss = train_step(model, optimiser, batch, 0.01, SETTINGS, "bfloat16")
    assert loss.isfinite()
    return dict(sorted(types.seen.items()))


@pytest.mark.parametrize("name", MODELS)
def test_every_operation_has_the_recorded_type(name: str) -> None:
    recorded, found = json.loads(FILE.read_text())[name], types_of(MODELS[name])
    assert found == recorded, "if this is meant, record it anew: python -m tests.pipeline.machine.test_precision"


def test_products_are_in_bfloat16_and_losses_in_float32() -> None:
    """What the record must say, whoever makes it anew."""
    recorded = json.loads(FILE.read_text())
    for name, seen in recorded.items():
        assert {"mm bfloat16", "_log_softmax float32"} <= seen.keys(), name
        assert "_log_softmax bfloat16" not in seen, name


def record(path: Path) -> None:
    path.write_text(json.dumps({name: types_of(config) for name, config in MODELS.items()}, indent=1) + "\n")


if __name__ == "__main__":
    record(FILE)
