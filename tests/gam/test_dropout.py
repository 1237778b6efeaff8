"""Dropout of some rows of a batch: what the whole batch would have there."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from gam.ops.attention import ROWS, causal_attention_fused, causal_attention_reference
from gam.ops.dropout import dropout, dropout_of_rows, dropout_reference, rows_of


@pytest.mark.parametrize("operation", [dropout, causal_attention_reference, causal_attention_fused])
@pytest.mark.parametrize("rows", [slice(0, 2), slice(2, 5)])
def test_rows_of_a_batch(operation: Callable[..., Tensor], rows: slice) -> None:
    """Output, gradients, and where the generator is afterwards."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1 if operation is dropout else 3, 5, 2, ROWS + 3, 4, generator=generator).double()
    found = []
    for some, context in ((slice(None), nullcontext()), (rows, rows_of(5, rows))):
        given = [each[some].clone().requires_grad_() for each in inputs]
        torch.manual_seed(1)
        with context:
            y = operation(*given, 0.3)
        (y * y).sum().backward()
        found.append(([y, *(each.grad for each in given)], torch.get_rng_state()))
    (whole, end), (part, our_end) = found
    for ours, theirs in zip(part, whole, strict=True):
        assert theirs is not None
        torch.testing.assert_close(ours, theirs[rows], rtol=1e-10, atol=1e-12)
    assert torch.equal(our_end, end)


def test_rows_of_a_batch_as_a_gpu_draws() -> None:
    """By torch's own kernels, which the CPU has too."""
    x, rows = torch.randn(5, 3, 7, generator=torch.Generator().manual_seed(0)), slice(2, 5)
    torch.manual_seed(1)
    whole, end = dropout_reference(x, 0.3), torch.get_rng_state()
    torch.manual_seed(1)
    with rows_of(5, rows):
        part = dropout_of_rows(x[rows], 0.3)
    torch.testing.assert_close(part, whole[rows])
    assert torch.equal(torch.get_rng_state(), end)
