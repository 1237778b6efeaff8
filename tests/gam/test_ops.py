"""Every fast operation against its plain definition: outputs and gradients, in float64, at awkward sizes."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gam.ops import attention
from gam.ops.attention import ROWS, causal_attention_fused, causal_attention_reference
from gam.ops.causal_convolution import causal_convolution, causal_convolution_reference
from gam.ops.cross_entropy import CHUNK as LOSS_CHUNK
from gam.ops.cross_entropy import linear_cross_entropy, linear_cross_entropy_reference
from gam.ops.dropout import dropout
from gam.ops.memory_retrieval import memory_retrieval, memory_retrieval_reference
from gam.ops.selective_scan import CHUNK, selective_scan, selective_scan_reference


def assert_alike(fast: Callable[..., Tensor], plain: Callable[..., Tensor], inputs: Sequence[Tensor]) -> None:
    """Same outputs, and same gradients of a random weighing of them, within rounding of float64."""
    ours = [tensor.clone().requires_grad_() for tensor in inputs]
    theirs = [tensor.clone().requires_grad_() for tensor in inputs]
    y, expected = fast(*ours), plain(*theirs)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-12)
    weights = torch.randn_like(y)
    (y * weights).sum().backward()
    (expected * weights).sum().backward()
    for ours_, theirs_ in zip(ours, theirs, strict=True):
        torch.testing.assert_close(ours_.grad, theirs_.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 63])
@pytest.mark.parametrize("taps", [1, 3, 5])
def test_causal_convolution(length: int, taps: int) -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(3, length, 7), torch.randn(7, 1, taps), torch.randn(7)
    inputs = [tensor.double() for tensor in (x, weight, bias)]
    assert_alike(causal_convolution, causal_convolution_reference, inputs)


@pytest.mark.parametrize("tokens", [1, LOSS_CHUNK - 1, LOSS_CHUNK + 1])
def test_linear_cross_entropy(tokens: int) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(tokens, 7).double(), torch.randn(13, 7).double()]
    targets = torch.randint(13, (tokens,))
    fast, plain = (partial(score, targets=targets) for score in (linear_cross_entropy, linear_cross_entropy_reference))
    assert_alike(fast, plain, inputs)
    with torch.no_grad():
        torch.testing.assert_close(fast(*inputs), plain(*inputs), rtol=1e-10, atol=1e-12)


def test_linear_cross_entropy_under_autocast() -> None:
    """Logits in bfloat16 and all else in float32, as autocast has the definition; gradients in the inputs' own type."""
    torch.manual_seed(0)
    x, weight = torch.randn(40, 16, requires_grad=True), torch.randn(13, 16, requires_grad=True)
    targets = torch.randint(13, (40,))
    gradients = []
    for score in (linear_cross_entropy, linear_cross_entropy_reference):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = score(x, weight, targets)
        assert loss.dtype == torch.float32
        gradients.append((loss.detach(), *torch.autograd.grad(loss, (x, weight))))
    for ours, theirs in zip(*gradients, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=2e-3)


@pytest.mark.parametrize(("shape", "p"), [((1000, 999), 0.1), ((997, 1001), 0.5)])
def test_dropout(shape: tuple[int, int], p: float) -> None:
    """By its distribution, since it draws other bits than torch: share, scale, independent lanes, gradients."""
    torch.manual_seed(0)
    x = torch.ones(shape, requires_grad=True)
    y = dropout(x, p)
    kept = y != 0
    spread = (p * (1 - p) / x.numel()) ** 0.5
    assert abs((~kept).double().mean().item() - p) < 5 * spread + 2**-17
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 1 / (1 - p)), rtol=2**-15, atol=0)
    for step in (1, 2, 3, 4, shape[1]):
        pairs = kept.flatten()[step:] & kept.flatten()[:-step]
        assert abs(pairs.double().mean().item() - (1 - p) ** 2) < 10 * spread
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y)
    torch.manual_seed(0)
    assert torch.equal(dropout(x, p), y)


def test_dropout_of_nearly_everything() -> None:
    torch.manual_seed(0)
    assert dropout(torch.ones(1000), 1 - 1e-9).isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 63])
def test_fused_attention(length: int) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, length, 5).double() for _ in range(3)]
    fused, plain = (partial(attend, dropout=0.0) for attend in (causal_attention_fused, causal_attention_reference))
    assert_alike(fused, plain, inputs)


@pytest.mark.parametrize("length", [1, ROWS, ROWS + 1, 2 * ROWS + 63])
@pytest.mark.parametrize("heads_at_once", [1, 4, 6])
def test_attention_by_rows(length: int, heads_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a dropout that is too rare to happen: then its masks, which differ, drop nothing."""
    monkeypatch.setattr(attention, "AT_ONCE", heads_at_once * min(ROWS, length) ** 2)
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, length, 5).double() for _ in range(3)]
    by_rows, plain = partial(causal_attention_fused, dropout=1e-9), partial(causal_attention_reference, dropout=0.0)
    assert_alike(by_rows, plain, inputs)


def test_attention_by_rows_drops_as_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one block of queries the same bits are drawn: outputs and gradients are those of the definition."""
    monkeypatch.setattr(attention, "AT_ONCE", 2 * ROWS**2)
    inputs = [torch.randn(2, 3, ROWS, 5).double() for _ in range(3)]

    def seeded(attend: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def call(*args: Tensor) -> Tensor:
            torch.manual_seed(0)
            return attend(*args, dropout=0.3)

        return call

    assert_alike(seeded(causal_attention_fused), seeded(causal_attention_reference), inputs)


def test_attention_by_rows_drops_weights() -> None:
    """Each query's weights sum to one on average, and no longer one by one."""
    torch.manual_seed(0)
    q, k = (torch.randn(64, 4, ROWS + 1, 5) for _ in range(2))
    sums = causal_attention_fused(q, k, torch.ones_like(q), 0.5)[..., 0]
    assert abs(sums.mean().item() - 1) < 0.02
    assert sums.std().item() > 0.1


def test_memory_retrieval_under_autocast() -> None:
    torch.manual_seed(0)
    x, bank = torch.randn(2, 9, 16, requires_grad=True), torch.randn(11, 16, requires_grad=True)
    computed = []
    for retrieve in (memory_retrieval, memory_retrieval_reference):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y = retrieve(x, bank)
        assert y.dtype == torch.bfloat16
        computed.append((y.detach(), *torch.autograd.grad(y.float().square().sum(), (x, bank))))
    for ours, theirs in zip(*computed, strict=True):
        assert ((ours - theirs).abs().max() / theirs.abs().max()).item() < 0.03


def scan_inputs(batch: int, length: int, channels: int, states: int) -> list[Tensor]:
    torch.manual_seed(0)
    u, dt = torch.randn(batch, length, channels), F.softplus(torch.randn(batch, length, channels))
    a = -torch.rand(channels, states) * 8
    b, c = torch.randn(batch, length, states), torch.randn(batch, length, states)
    return [tensor.double() for tensor in (u, dt, a, b, c)]


@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 63])
@pytest.mark.parametrize(("batch", "channels", "states"), [(1, 1, 1), (3, 5, 7)])
def test_selective_scan(length: int, batch: int, channels: int, states: int) -> None:
    assert_alike(selective_scan, selective_scan_reference, scan_inputs(batch, length, channels, states))


def test_selective_scan_is_stable_where_decays_vanish() -> None:
    u, dt, a, b, c = scan_inputs(2, 40, 3, 4)
    inputs = [tensor.float() for tensor in (u, dt * 200, a, b, c)]
    y = selective_scan(*inputs)
    assert torch.isfinite(y).all()
    torch.testing.assert_close(y, selective_scan_reference(*inputs), rtol=1e-4, atol=1e-4)


def test_selective_scan_in_half_precision_is_computed_in_float32() -> None:
    inputs = [tensor.to(torch.bfloat16).requires_grad_() for tensor in scan_inputs(2, 40, 3, 4)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = selective_scan(*inputs)
    assert y.dtype == torch.bfloat16
    expected = selective_scan_reference(*(tensor.float() for tensor in inputs))
    torch.testing.assert_close(y, expected.to(torch.bfloat16))
    y.sum().backward()
    assert all(tensor.grad is not None and tensor.grad.dtype == torch.bfloat16 for tensor in inputs)


def test_memory_retrieval_is_attention_to_the_bank() -> None:
    torch.manual_seed(0)
    x, bank = torch.randn(2, 9, 6).double(), torch.randn(11, 6).double()

    def to_the_bank(x: Tensor, bank: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, bank.expand(2, -1, -1), bank.expand(2, -1, -1), scale=1.0)

    assert_alike(memory_retrieval, to_the_bank, [x, bank])
