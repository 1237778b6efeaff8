"""Look-up in a learned memory bank. Shapes: B batch, T tokens, D width, S slots."""

from torch import Tensor

from gam.ops.autocast import as_factors, no_autocast


def slot_weights(x: Tensor, bank: Tensor) -> Tensor:
    """softmax(x bank^T): how much of each slot of the bank (S, D) each token takes. `x` (B, T, D); (B, T, S)."""
    return (x @ bank.T).softmax(dim=-1)


def memory_retrieval_reference(x: Tensor, bank: Tensor) -> Tensor:
    """softmax(x bank^T) bank: the bank (S, D) is keys and values at once, and scores are not scaled.

    `x` (B, T, D); returns (B, T, D). No token sees another (arXiv:2509.00605, section 3).
    """
    return slot_weights(x, bank) @ bank


def memory_retrieval(x: Tensor, bank: Tensor) -> Tensor:
    """The same. Under autocast the weights (B, T, S) never become float32, as autocast would have them."""
    x, bank = as_factors(x, bank)
    with no_autocast(x):
        return memory_retrieval_reference(x, bank)
