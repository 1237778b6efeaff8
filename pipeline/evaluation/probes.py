"""What trained weights do: how far back the logits look, and what the gates prefer.

The paper (arXiv:2509.00605) holds that the global memory captures long-range patterns and that gates choose the local
path for function words and the global one for content words, and measures neither: claims C8 and C11 of this
reproduction. Everything here is in evaluation mode and float32, whatever the precision of the run.

Shapes: N blocks, T = block_size tokens, D d_model, V vocabulary.
"""

import re
from bisect import bisect_left
from contextlib import ExitStack
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from gam import LanguageModel
from gam.blocks.gam import GAMBlock
from pipeline.artifacts.records import LayerGates
from pipeline.data.tokens import TokenFolder, cut_blocks
from pipeline.evaluation.function_words import FUNCTION_WORDS
from pipeline.machine.precision import forward_in

REACH_BLOCKS = 8
GATE_BLOCKS = 128
NEITHER, FUNCTION, CONTENT = range(3)
UNKNOWN_WORD = "<unk>"
"""How WikiText-2 (v1) writes each of its rare words."""
EDGES = re.compile(r"^[^\w']+|[^\w']+$")

Array = np.ndarray[Any, np.dtype[Any]]


def reach_by_gradient(model: LanguageModel, blocks: Array) -> int:
    """How many of the last tokens, the current one included, the logits of the last position depend on.

    The distance to the farthest token whose embedding has a gradient that is not exactly zero, in any of the first
    REACH_BLOCKS of `blocks` (N, T + 1). The gradient is that of a fixed random weighing of the logits, since simpler
    functions have gradients that vanish by symmetry. Where an architecture reaches further, the gradients of far tokens
    may still underflow to zero in float32, and then do not count: measured are these weights.
    """
    idx = model_inputs(model, blocks[:REACH_BLOCKS])
    embedded: list[Tensor] = []

    def cut(_module: object, _inputs: object, output: Tensor) -> Tensor:
        embedded.append(output.detach().requires_grad_())
        return embedded[0]

    ready(model)
    with model.token_embedding.register_forward_hook(cut):
        logits, _ = model(idx)
    weights = torch.randn(logits.shape[-1], generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((logits[:, -1] @ weights.to(logits.device)).sum(), embedded)
    seen = (gradient != 0).any(dim=-1).any(dim=0)
    seen[-1] = True
    return len(seen) - int(seen.nonzero()[0])


@torch.no_grad()
def reach_by_change(model: LanguageModel, blocks: Array) -> int:
    """The same by changing inputs, in the same blocks.

    The largest distance such that changing every token at least that far back, to others drawn with a fixed seed,
    still changes a bit of the last position's logits. Bits can be compared, since both computations have the same
    shapes, and no operation adds up one row in an order that depends on what other rows hold. Found by bisection, as
    changing more tokens changes no less.
    """
    idx = model_inputs(model, blocks[:REACH_BLOCKS])
    length, vocab_size = idx.shape[1], model.config.vocab_size
    shifts = torch.randint(1, vocab_size, idx.shape, generator=torch.Generator().manual_seed(0))
    others = (idx + shifts.to(idx.device)) % vocab_size
    ready(model)
    original = model(idx)[0][:, -1]

    def unchanged(distance: int) -> bool:
        first_kept = length - distance + 1
        mixed = torch.cat([others[:, :first_kept], idx[:, first_kept:]], dim=1)
        return torch.equal(model(mixed)[0][:, -1], original)

    return 1 + bisect_left(range(2, length + 1), True, key=unchanged)


def word_classes(ids: Array, word_starts: Array, tokenizer: Tokenizer) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """For each token of a split FUNCTION or CONTENT, after the word that it belongs to, or NEITHER.

    A word is a run without white space. It is looked up in FUNCTION_WORDS in lower case and without the punctuation
    around it; a contraction (she'll) is a function word where both of its parts are. NEITHER are all tokens of a word
    without a letter or with an unknown part (the tokenizer's or UNKNOWN_WORD), and, in other words, the tokens without
    a letter or digit, such as a comma at the end.

    `ids` and `word_starts` are (tokens,), as pipeline.data.tokens has them.
    """
    vocabulary = [tokenizer.id_to_token(number) or "" for number in range(tokenizer.get_vocab_size())]
    unknown = (UNKNOWN_WORD, tokenizer.model.unk_token)

    @cache
    def class_of(word: tuple[int, ...]) -> int:
        text = "".join(vocabulary[number] for number in word)
        if any(part in text for part in unknown) or not any(map(str.isalpha, text)):
            return NEITHER
        return FUNCTION if _is_function_word(text) else CONTENT

    listed = ids.tolist()
    borders = [*np.flatnonzero(word_starts).tolist(), len(listed)]
    words = [class_of(tuple(listed[start:end])) for start, end in pairwise(borders)]
    speaks = np.array([any(map(str.isalnum, text)) for text in vocabulary])
    return np.repeat(np.array(words, np.uint8), np.diff(borders)) * speaks[ids]


def classes_of_blocks(tokens: TokenFolder, block_size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """`word_classes` in the first GATE_BLOCKS validation blocks, as far as there are so many: (N, T + 1)."""
    ids, word_starts = tokens.ids("validation"), tokens.word_starts("validation")
    wanted = GATE_BLOCKS * (block_size + 1)
    later = word_starts[wanted:]
    end = wanted + int(later.argmax()) if later.any() else len(ids)  # where the last of these words ends
    classes = word_classes(ids[:end], word_starts[:end], Tokenizer.from_str(tokens.tokenizer()))
    return cut_blocks(classes[:wanted], block_size)


def _is_function_word(text: str) -> bool:
    word = EDGES.sub("", text.lower().replace("’", "'"))
    bare = word.strip("'")
    host, _, ending = bare.rpartition("'")
    return word in FUNCTION_WORDS or bare in FUNCTION_WORDS or {host, f"'{ending}"} <= FUNCTION_WORDS


@torch.no_grad()
def gate_preferences(model: LanguageModel, blocks: Array, classes: Array, batch_size: int) -> list[LayerGates]:
    """How far each layer's gates prefer the local path at function words, and at content words.

    Local minus global gate, mean over the width and over all tokens of a class in the first GATE_BLOCKS of `blocks`
    (N, T + 1), of which `classes` (N, T + 1) holds the classes. Empty for a model without gates, and where one of the
    classes has no token.
    """
    blocks, classes = blocks[:GATE_BLOCKS], classes[:GATE_BLOCKS, :-1]
    chosen = [FUNCTION, CONTENT]
    counts = np.array([(classes == kind).sum() for kind in chosen])
    gated = [block for block in model.blocks if isinstance(block, GAMBlock) and block.gate is not None]
    if not (gated and counts.all()):
        return []
    sums = np.zeros((len(gated), len(chosen)))
    inputs: list[Tensor] = []

    def keep(_module: object, given: tuple[Tensor, ...]) -> None:
        inputs.append(given[0])

    ready(model)
    with ExitStack() as hooks:
        for block in gated:
            hooks.enter_context(block.register_forward_pre_hook(keep))
        for at in range(0, len(blocks), batch_size):
            inputs.clear()
            model(model_inputs(model, blocks[at : at + batch_size]))
            of_batch = classes[at : at + batch_size]
            for layer, (block, x) in enumerate(zip(gated, inputs, strict=True)):
                preference = _preference(block, x).double().cpu().numpy()
                sums[layer] += [preference[of_batch == kind].sum() for kind in chosen]
    means = (sums / counts).tolist()
    return [LayerGates(function_words=function, content_words=content) for function, content in means]


def _preference(block: GAMBlock, x: Tensor) -> Tensor:
    """Local minus global gate for a block's input (B, T, D), mean over the width: (B, T)."""
    assert block.gate is not None
    assert block.ln1 is not None
    local, memory = block.gate(block.ln1(x)).sigmoid().chunk(2, dim=-1)
    return (local - memory).mean(dim=-1)


def ready(model: LanguageModel) -> None:
    """Have the model evaluate, with products in float32, whatever was computed before."""
    model.eval()
    forward_in("float32", next(model.parameters()).device)


def model_inputs(model: LanguageModel, blocks: Array) -> Tensor:
    """What the model sees of `blocks` (N, T + 1): (N, T) int64, on its device."""
    return torch.from_numpy(blocks[:, :-1].astype(np.int64)).to(next(model.parameters()).device)
