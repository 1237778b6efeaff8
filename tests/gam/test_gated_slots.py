"""Gated slots chunk by chunk against their definition: outputs and gradients, at awkward sizes and extreme gates."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gam.ops.gated_slots import CHUNK, gated_slots, gated_slots_reference
from tests.gam.test_ops import assert_alike


def inputs_of(batch: int, heads: int, length: int, width: int, slots: int) -> list[Tensor]:
    torch.manual_seed(0)
    q, k, v = (torch.randn(batch, heads, length, width, dtype=torch.float64) for _ in range(3))
    return [q, k, v, F.logsigmoid(3 * torch.randn(batch, heads, length, slots, dtype=torch.float64))]


def with_gradients(op: Callable[..., Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """The output, and the gradient of its weighed sum for each input."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    o = op(*leaves)
    weights = torch.linspace(-1, 1, o.numel(), dtype=torch.float64).view(o.shape)
    return [o.detach(), *torch.autograd.grad((o * weights).sum(), leaves)]


@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 63])
@pytest.mark.parametrize(
    ("batch", "heads", "width", "slots"), [(1, 1, 1, 1), (3, 2, 5, 7), (3, 1, 4, 1), (2, 3, 2, 20)]
)
def test_chunks_against_the_recurrence(length: int, batch: int, heads: int, width: int, slots: int) -> None:
    assert_alike(gated_slots, gated_slots_reference, inputs_of(batch, heads, length, width, slots))


def test_chunks_against_the_recurrence_in_float32() -> None:
    inputs = inputs_of(3, 2, 63, 5, 7)
    expected = with_gradients(gated_slots_reference, inputs)
    for ours, theirs in zip(with_gradients(gated_slots, [each.float() for each in inputs]), expected, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-4)


LOGITS: dict[str, Callable[[Tensor], Tensor]] = {
    "all is kept": lambda x: 200 + x,
    "nothing is kept": lambda x: -1e4 + x,
    "beyond the range of exp": lambda x: -1e30 + x,
    "both in turn": lambda x: torch.where(torch.arange(x.shape[2])[:, None] % 5 == 0, -1e6, 6 + x),
    "each slot its own": lambda x: torch.linspace(-100, 100, x.shape[3]) + x,
}


@pytest.mark.parametrize("gates", LOGITS)
def test_extreme_gates(gates: str) -> None:
    """In float32, against the recurrence in float64."""
    q, k, v, logits = inputs_of(2, 2, 3 * CHUNK + 5, 4, 6)
    log_forget = F.logsigmoid(LOGITS[gates](logits).float())
    narrow = [*(tensor.float() for tensor in (q, k, v)), log_forget]
    expected = with_gradients(gated_slots_reference, [tensor.double() for tensor in narrow])
    for ours, theirs in zip(with_gradients(gated_slots, narrow), expected, strict=True):
        assert ours.isfinite().all()
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-5)


def test_slots_that_keep_nothing_hold_the_token_itself() -> None:
    q, k, v, logits = inputs_of(2, 2, 40, 4, 6)
    torch.testing.assert_close(gated_slots(q, k, v, F.logsigmoid(logits - 1e4)), v)


def test_half_precision_is_computed_in_float32() -> None:
    inputs = [tensor.to(torch.bfloat16).requires_grad_() for tensor in inputs_of(2, 2, 40, 4, 6)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        o = gated_slots(*inputs)
    assert o.dtype == torch.bfloat16
    expected = gated_slots_reference(*(tensor.float() for tensor in inputs))
    torch.testing.assert_close(o, expected.to(torch.bfloat16))
    o.sum().backward()
    assert all(tensor.grad is not None and tensor.grad.dtype == torch.bfloat16 for tensor in inputs)
