"""Whole steps through the branches that are not the CPU's, on tensors that have shapes and types alone."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gam import LanguageModel
from gam.config import ModelConfig
from tests.pipeline.machine.test_precision import MODELS

META = torch.device("meta")


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("length", [20, 17])
def test_a_step_of_training(config: ModelConfig, length: int) -> None:
    model = LanguageModel(config).to(META).train()
    loss = model.loss(*(torch.zeros(3, length, dtype=torch.int64, device=META) for _ in range(2)))
    loss.backward()
    assert (loss.shape, loss.dtype) == ((), torch.float32)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad.shape, parameter.grad.dtype) == (parameter.shape, torch.float32), name
        assert parameter.grad.device == META
    logits, _ = model.eval()(torch.zeros(3, length, dtype=torch.int64, device=META))
    assert (logits.shape, logits.dtype) == ((3, length, config.vocab_size), torch.float32)


class Products(TorchDispatchMode):
    """Counts matrix products whose result is as wide as the vocabulary, or whose factor is."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.vocab_size, self.seen = vocab_size, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ in ("mm", "addmm", "addmm_", "mm.out"):
            sizes = {size for each in args if isinstance(each, torch.Tensor) for size in each.shape}
            self.seen += self.vocab_size in sizes
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("device", [torch.device("cpu"), META], ids=str)
def test_the_head_is_multiplied_once_in_validation(device: torch.device) -> None:
    """Three times in training, for the gradients of its input and of itself."""
    config = MODELS["gam"]
    model = LanguageModel(config).to(device)
    tokens = torch.zeros(2, 20, dtype=torch.int64, device=device)
    with Products(config.vocab_size) as trained:
        model.train().loss(tokens, tokens)
    with Products(config.vocab_size) as validated, torch.no_grad():
        model.eval().loss(tokens, tokens)
    assert (trained.seen, validated.seen) == (3, 1)
