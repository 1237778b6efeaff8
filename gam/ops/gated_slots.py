"""Gated slot memory (arXiv:2409.07146): slots that every token writes to, read by softmax.

With K = V = 0 before the first token, f[t] in (0, 1) the share that each slot keeps, and . the product row by row:

    K[t] = f[t] . K[t - 1] + (1 - f[t]) k[t]^T
    V[t] = f[t] . V[t - 1] + (1 - f[t]) v[t]^T
    o[t] = V[t]^T softmax(K[t] q[t])

Shapes: B batch, H heads, T tokens, D width of a head, M slots; q, k, v and o (B, H, T, D), log f (B, H, T, M).
N chunks of C tokens each; of two tokens of a chunk, the later is t and the earlier is i.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gam.ops.autocast import no_autocast

CHUNK = 8
"""Tokens of a chunk: the largest tensor is (B, H, T, CHUNK, M)."""


Memory = tuple[Tensor, Tensor]
"""K and V after a token, each (B, H, M, D)."""


def gated_slots_reference(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """The definition, one token after another. `log_forget` is log f, so that an f near 1 keeps its digits."""
    memory: Memory | None = None
    read = []
    for t in range(q.shape[2]):
        now = slice(t, t + 1)
        o, memory = gated_slots_step(q[:, :, now], k[:, :, now], v[:, :, now], log_forget[:, :, now], memory)
        read.append(o)
    return torch.cat(read, dim=2)


def gated_slots_step(
    q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor, memory: Memory | None
) -> tuple[Tensor, Memory]:
    """o of one token, T = 1, and the memory after it; None is that before the first."""
    forget, write = log_forget.mT.exp(), -torch.expm1(log_forget.mT)  # (B, H, M, 1)
    written = write * k, write * v
    if memory is None:
        keys, values = written
    else:
        keys, values = (forget * before + new for before, new in zip(memory, written, strict=True))
    weights = (keys @ q.mT).softmax(dim=-2)
    return weights.mT @ values, (keys, values)


def gated_slots(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    """The same, all chunks at once but for the state that each leaves to the next.

    Keeps its inputs alone and recomputes the rest in the backward pass. Half-precision input is computed in float32
    and the result comes back in the type of q.
    """
    wide = torch.promote_types(q.dtype, torch.float32)
    with no_autocast(q):
        inputs = (tensor.to(wide) for tensor in (q, k, v, log_forget))
        o: Tensor = checkpoint(_chunked, *inputs, use_reentrant=False, preserve_rng_state=False)
    return o.to(q.dtype)


def _chunked(q: Tensor, k: Tensor, v: Tensor, log_forget: Tensor) -> Tensor:
    length = q.shape[2]
    q, k, v, log_forget = (_in_chunks(tensor) for tensor in (q, k, v, log_forget))
    write = -torch.expm1(log_forget)
    decays = _decays(log_forget)
    kept = log_forget.cumsum(dim=-2).exp()  # of the state before the chunk, up to t: (B, H, N, C, M)
    added = (decays[..., -1, :, :] * write).mT @ torch.cat([k, v], dim=-1)
    key_states, value_states = _states(kept[..., -1, :], added).split([k.shape[-1], v.shape[-1]], dim=-1)
    written = decays * write[..., None, :, :]  # what t finds of i in each slot: (B, H, N, C, C, M)
    scores = kept * (q @ key_states.mT) + ((q @ k.mT)[..., None, :] @ written).squeeze(-2)
    weights = scores.softmax(dim=-1)
    o = (weights * kept) @ value_states + (written @ weights[..., None]).squeeze(-1) @ v
    return o.flatten(2, 3)[:, :, :length]


def _in_chunks(tensor: Tensor) -> Tensor:
    """(B, H, T, .) as (B, H, N, C, .), with zeros at the end: there f = 1, and nothing is written."""
    padded = F.pad(tensor, (0, 0, 0, -tensor.shape[2] % CHUNK))
    return padded.unflatten(2, (-1, CHUNK))


def _decays(log_forget: Tensor) -> Tensor:
    """What t keeps of what i wrote, (B, H, N, C, C, M): the product of f after i up to t, and 0 where i > t.

    Every sum of logarithms is taken by itself, as a product with a matrix of zeros and ones. A quotient of cumulative
    products would divide by nearly 0, and a difference of cumulative sums would lose the digits of the small ones.
    """
    at = torch.arange(CHUNK, device=log_forget.device)
    t, i, j = at[:, None, None], at[None, :, None], at[None, None, :]
    between = ((i < j) & (j <= t)).to(log_forget.dtype).flatten(0, 1)
    ahead = torch.zeros_like(between[:, :1]).masked_fill_((i > t).reshape(-1, 1), float("-inf"))
    flat = log_forget.flatten(0, 2)
    sums = torch.baddbmm(ahead, between.expand(len(flat), -1, -1), flat)
    return sums.exp_().view(*log_forget.shape[:3], CHUNK, CHUNK, -1)


def _states(kept: Tensor, added: Tensor) -> Tensor:
    """The state before each chunk, (B, H, N, M, .), from what a whole chunk keeps of it and adds to it."""
    # Taken apart at once: the gradient of one slice at a time would be a tensor of all slices each.
    shares, parts = kept[..., None].unbind(dim=2), added.unbind(dim=2)
    states = [torch.zeros_like(parts[0])]
    for share, part in zip(shares[:-1], parts[:-1], strict=True):
        states.append(torch.addcmul(part, share, states[-1]))
    return torch.stack(states, dim=2)
