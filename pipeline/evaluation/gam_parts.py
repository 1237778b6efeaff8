"""What the parts of trained GAM blocks do: how large the two paths are and what gates make of them, which slots serve.

In evaluation mode and float32, whatever the precision of the run.

Shapes: N blocks, B of them in a batch, T = block_size tokens, D d_model, S slots.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gam import LanguageModel
from gam.blocks.gam import GAMBlock
from gam.ops.memory_retrieval import slot_weights
from pipeline.artifacts.inside_records import AtWords, LayerPaths, LayerSlots, PathUse
from pipeline.evaluation.probes import CONTENT, FUNCTION, GATE_BLOCKS, model_inputs, ready

BATCH_BLOCKS = 16
"""Blocks of a forward pass: they bound the memory, and change no more than the last bits of a result."""
SLOT_BLOCKS = 512
DEAD_SHARE = 0.1
"""A slot is dead whose mean weight is below this part of what it would have if all slots were used alike."""

Array = np.ndarray[Any, np.dtype[Any]]


@torch.no_grad()
def path_use(model: LanguageModel, blocks: Array, classes: Array) -> list[LayerPaths]:
    """Gates and sizes of the two paths in each layer that has gates, at function words and at content words.

    `blocks` (N, T + 1), of which `classes` (N, T + 1) holds the classes. Looked at are the first GATE_BLOCKS, as by
    gate_preferences, whose value is the local gate here minus the other. A size is the Euclidean norm over the width of
    what a path gives for a token, before and after its gate has weighed it; all are means over the tokens of a class.
    Empty for a model without gates, and where one of the classes has no token.
    """
    blocks, classes = blocks[:GATE_BLOCKS], classes[:GATE_BLOCKS, :-1]
    masks = [classes == kind for kind in (FUNCTION, CONTENT)]
    gated = [block for block in _gam_blocks(model) if block.gate is not None]
    if not (gated and all(mask.any() for mask in masks)):
        return []
    sums = np.zeros((len(gated), 2, 3, len(masks)))  # by layer, path, quantity and class
    for at, layer, block, n in _mixed(model, gated, blocks):
        use = np.array([_use(gate, path) for gate, path in zip(block.gates(n), block.path_outputs(n), strict=True)])
        for kind, mask in enumerate(masks):
            sums[layer, ..., kind] += use[..., mask[at : at + BATCH_BLOCKS]].sum(-1)
    means = sums / [mask.sum() for mask in masks]
    return [LayerPaths(local=_at_words(local), memory=_at_words(memory)) for local, memory in means]


def _use(gate: Tensor, path: Tensor) -> Array:
    """For both (B, T, D): mean gate, norm of the path and of what the gate leaves of it, (3, B, T)."""
    values = torch.stack([gate.mean(-1), path.norm(dim=-1), (gate * path).norm(dim=-1)])
    return values.double().cpu().numpy()


def _at_words(means: Array) -> AtWords:
    function, content = (PathUse(gate=g, ungated_norm=u, gated_norm=w) for g, u, w in means.T.tolist())
    return AtWords(function_words=function, content_words=content)


@torch.no_grad()
def slot_use(model: LanguageModel, blocks: Array) -> list[LayerSlots]:
    """How the look-up spreads over the slots in each layer with a memory bank.

    Over the tokens of the first SLOT_BLOCKS of `blocks` (N, T + 1). The weights of a token are those of its look-up,
    softmax(n M^T), which add up to one. Empty for a model without a bank.
    """
    blocks = blocks[:SLOT_BLOCKS]
    with_bank = [block for block in _gam_blocks(model) if block.memory_bank is not None]
    if not with_bank:
        return []
    n_slot = len(with_bank[0].memory_bank)  # type: ignore[arg-type]  # they have one
    tokens = len(blocks) * (blocks.shape[1] - 1)
    entropies, weights = np.zeros(len(with_bank)), np.zeros((len(with_bank), n_slot))
    for _, layer, block, n in _mixed(model, with_bank, blocks):
        assert block.memory_bank is not None
        of_tokens = slot_weights(n, block.memory_bank)
        entropies[layer] += torch.special.entr(of_tokens).sum(-1).double().sum().item()
        weights[layer] += of_tokens.double().sum((0, 1)).cpu().numpy()
    return [
        LayerSlots(
            slots=n_slot,
            entropy=float(entropy),
            entropy_of_mean=float(torch.special.entr(torch.from_numpy(mean)).sum()),
            dead=int((mean < DEAD_SHARE / n_slot).sum()),
        )
        for entropy, mean in zip(entropies / tokens, weights / tokens, strict=True)
    ]


def _gam_blocks(model: LanguageModel) -> list[GAMBlock]:
    return [block for block in model.blocks if isinstance(block, GAMBlock)]


def _mixed(model: LanguageModel, layers: list[GAMBlock], blocks: Array) -> Iterator[tuple[int, int, GAMBlock, Tensor]]:
    """What each of these layers mixes, batch by batch: its first row, the layer, its block, its input (B, T, D)."""
    normed: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        normed.append(output)

    ready(model)
    for at in range(0, len(blocks), BATCH_BLOCKS):
        normed.clear()
        with ExitStack() as hooks:
            for block in layers:
                assert block.ln1 is not None
                hooks.enter_context(block.ln1.register_forward_hook(keep))
            model.hidden(model_inputs(model, blocks[at : at + BATCH_BLOCKS]))
        for layer, (block, n) in enumerate(zip(layers, normed, strict=True)):
            yield at, layer, block, n
