"""What arithmetic predicts of one block against the length of its input, before anything is measured.

Both numbers are those of one sequence. T tokens, d the width of the model, f of its feed-forward network.
"""

import math

from gam.config import GAMConfig, MambaConfig, ModelConfig, TransformerConfig

ROWS = 128
"""Queries that fused attention weighs at once on the CPU (gam.ops.attention), without the keys ahead of all of them."""


def multiply_adds(config: ModelConfig, tokens: int) -> int | None:
    """Multiplications, each with its addition, in the matrix products of a forward pass; None for a block not listed.

    GAM, s slots, with all its parts: T (2 d f + 2 d s + 2 d d), the last for the gate.
    Transformer: T (2 d f + 4 d d) + 2 d T T. Fused, a query meets the keys before it alone: T T becomes about T T / 2.
    Mamba, inner width e, n states, rank r = d / 16: T (3 d e + 2 r e + 3 n e), with the read-out of the plain scan.

    A backward pass makes each product twice more, so that ratios between lengths stay the same. What is no product (the
    convolution, norms, softmax, dropout) grows with T or with T T likewise, and is not counted.
    """
    d = config.d_model
    if isinstance(config, GAMConfig):
        network = 2 * d * (config.ffn_width or 4 * d)
        return tokens * (network + 2 * d * config.n_slot * config.memory + 2 * d * d * config.gate)
    if isinstance(config, TransformerConfig):
        pairs = tokens * tokens
        if config.fused:
            starts = range(0, tokens, ROWS)
            pairs = sum(min(ROWS, tokens - start) * min(start + ROWS, tokens) for start in starts)
        return tokens * 12 * d * d + 2 * d * pairs
    if isinstance(config, MambaConfig):
        inner, rank = config.expand * d, math.ceil(d / 16)
        return tokens * inner * (3 * d + 2 * rank + 3 * config.d_state)
    return None


def kept_numbers(config: ModelConfig, tokens: int) -> float | None:
    """Numbers that autograd keeps for the backward pass, by this project's operations on the CPU.

    None for a block whose formula is not here. The input is not counted, nor are weights; where p > 0, dropout keeps
    16 bits for each element, half a number.
    GAM, s slots, with its gate: T (5 d + f + s) and one dropout of d T: a norm, two gates, what was looked up, the sum
    in the middle; the network before GELU; the softmax.
    Transformer that holds its weights, h heads: T (6 d + f) + 2.5 h T T and two dropouts of d T: a norm, queries, keys,
    values, what attention gives, the sum in the middle; the network; the softmax, the bits of its dropout, and what is
    left of it.
    """
    d, dropped = config.d_model, (config.dropout > 0) / 2
    if isinstance(config, GAMConfig) and config.gate:
        return tokens * ((5 + dropped) * d + (config.ffn_width or 4 * d) + config.n_slot)
    if isinstance(config, TransformerConfig) and not config.fused:
        return tokens * (10 + 2 * dropped) * d + 2.5 * config.n_head * tokens * tokens
    return None
