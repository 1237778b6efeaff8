"""Stage `fingerprint`: what a model, its training and its evaluation compute, on a tiny case.

No run depends on source files, but on these numbers: a comment or a faster way to the same result retrains nothing,
changed mathematics retrains what it touches. Three files: a new metric must evaluate anew without training, and what
looks inside a model must not make evaluations stale that nobody can make again without its weights.
"""

import dataclasses
import math
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models

from gam import ModelConfig
from pipeline.artifacts.fingerprints import keep_or_write
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.data.tokens import SplitCounts, cut_blocks
from pipeline.evaluation.context import context_losses, position_losses
from pipeline.evaluation.function_words import FUNCTION_WORDS
from pipeline.evaluation.gam_parts import DEAD_SHARE, SLOT_BLOCKS, path_use, slot_use
from pipeline.evaluation.metrics import describe, score_blocks
from pipeline.evaluation.probes import (
    GATE_BLOCKS,
    REACH_BLOCKS,
    gate_preferences,
    reach_by_change,
    reach_by_gradient,
    word_classes,
)
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.fields import Section
from pipeline.params.protocols import Train
from pipeline.training.protocol import RunState, Step, seeded_model, train_epochs

VOCAB_SIZE = 29
# More than two chunks of the selective scan and of gated slots, so that their carry leaves its trace.
LARGEST = {"block_size": 40, "d_model": 16, "n_layer": 2, "n_slot": 8, "d_state": 4, "expand": 2, "ffn_width": 72}
# A large rate and decay and a low clipping bound: within a dozen steps each must leave its trace.
SETTINGS = Train(
    epochs=2, batch_size=4, learning_rate=0.02, warmup_steps=3, beta1=0.9, beta2=0.95, weight_decay=0.5, clip_norm=0.5
)
COUNTS = SplitCounts(rows=5, bytes=400, words=50, tokens=100, sha256="", word_starts_sha256="")
TEXT = "The cat 's 3rd , <unk> don't “go” 7 it?"


def main() -> None:
    args, params = read_names(__doc__, "model")
    start(params.runtime.model_copy(update={"device": "cpu"}))
    training, evaluation, inside = compute(shrink(params.models[args.model].config(VOCAB_SIZE)))
    keep_or_write(paths.training_fingerprint(args.model), training)
    keep_or_write(paths.evaluation_fingerprint(args.model), evaluation)
    keep_or_write(paths.inside_fingerprint(args.model), inside)


def shrink(config: ModelConfig) -> ModelConfig:
    """The same model, tiny; switches, taps and dropout stay."""
    given = dataclasses.asdict(config)
    changes = {field: min(given[field], largest) for field, largest in LARGEST.items() if given.get(field)}
    if "n_head" in given:
        changes["n_head"] = math.gcd(given["n_head"], LARGEST["d_model"])
        changes["d_model"] = LARGEST["d_model"]
    return dataclasses.replace(config, **changes)


def compute(config: ModelConfig) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Train, evaluate and look inside in float32 with the functions that the runs use."""
    ids = np.random.default_rng(0).integers(0, VOCAB_SIZE, 18 * (config.block_size + 1) + 5, dtype=np.uint16)
    blocks = cut_blocks(ids, config.block_size)
    train_blocks, validation_blocks = blocks[:13], blocks[13:]
    model = seeded_model(config, 0, torch.device("cpu"))
    initial = {name: [parameter.mean().item(), parameter.norm().item()] for name, parameter in model.named_parameters()}
    steps: list[Step] = []

    state = RunState(model, len(train_blocks), SETTINGS)
    epochs = list(train_epochs(state, train_blocks, validation_blocks, SETTINGS, 0, "float32", steps.append))
    score = score_blocks(model, validation_blocks, SETTINGS.batch_size, "float32")
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(validation_blocks[:1, :-1].astype(np.int64)))
    training = {
        "initial_mean_and_norm": initial,
        "learning_rates": [step.learning_rate for step in steps],
        "losses": [step.loss.item() for step in steps],
        "validation_losses": [epoch.validation_loss for epoch in epochs],
        "logits": logits[0, -1].tolist(),
    }
    classes = validation_blocks % 3
    gates = gate_preferences(model, validation_blocks, classes, SETTINGS.batch_size)
    words = {
        "word_classes": classes_in_text(),
        "function_words": list(sha256(" ".join(sorted(FUNCTION_WORDS)).encode()).digest()),
    }
    evaluation = describe(score, COUNTS).model_dump() | {
        "reach": [reach_by_gradient(model, validation_blocks), reach_by_change(model, validation_blocks)],
        "gates": [[layer.function_words, layer.content_words] for layer in gates],
        "probed_blocks": [REACH_BLOCKS, GATE_BLOCKS],
        **words,
    }
    inside = {
        "position_losses": position_losses(model, validation_blocks),
        "context_losses": [[at.tokens, at.loss] for at in context_losses(model, validation_blocks)],
        "paths": [_numbers(layer) for layer in path_use(model, validation_blocks, classes)],
        "slots": [_numbers(layer) for layer in slot_use(model, validation_blocks)],
        "chosen": [GATE_BLOCKS, SLOT_BLOCKS, DEAD_SHARE],
        **words,
    }
    return training, evaluation, inside


def _numbers(record: Section) -> list[float]:
    """The numbers of a record, those of inner records in their place."""
    return [n for value in dict(record).values() for n in (_numbers(value) if isinstance(value, Section) else [value])]


def classes_in_text() -> list[int]:
    """The word classes of TEXT, each of its characters a token."""
    characters = sorted(set(TEXT) - {" "})
    numbers = {character: number for number, character in enumerate(characters)}
    tokenizer = Tokenizer(models.BPE(numbers, [], unk_token="[UNK]"))
    ids = np.array([numbers[character] for character in TEXT if character != " "])
    starts = np.array([before == " " for before, character in zip(" " + TEXT, TEXT, strict=False) if character != " "])
    return word_classes(ids, starts, tokenizer).tolist()


if __name__ == "__main__":
    exit_cleanly(main)
