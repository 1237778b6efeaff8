"""Stage `tune`: what learning rates are worth for one model, on a seed that no run has -> results/tuning.

A training for each rate of `tuning`, over a share of the text: the lowest validation loss wins. Where that is at an
edge of the grid, the grid goes on, and at last it is made finer beside the best. A stage that was killed goes on from
its last save, and ends with the same result.
"""

import math
import shutil
from typing import Any

from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import Provenance, Trial, TuningResult, best_of
from pipeline.artifacts.settings import fingerprint_sha256
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import json_sha256
from pipeline.base.interruption import Interruption
from pipeline.base.lock import only_writer
from pipeline.data.tokens import TokenFolder, open_tokens
from pipeline.machine.failures import one_line
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.protocols import Protocol, Tuning
from pipeline.params.schema import Params
from pipeline.training.protocol import NotFiniteError
from pipeline.training.running import run_to_end


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model")
    protocol, seed = params.protocol(args.dataset, args.model), params.tuning.seed
    if protocol is None or not params.is_tuned(args.dataset, args.model):
        raise UserError(f"no family tunes {args.model} on {args.dataset}: give it a protocol, and the model no rate")
    interruption = Interruption()
    machine = start(params.runtime_of(args.dataset, args.model), params.models[args.model])
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    stamp = provenance(machine, params.models[args.model].precision, tokens)
    with only_writer(paths.lock(args.dataset, args.model, seed), f"{args.dataset} {args.model}"):
        with one_line(f"{args.dataset} {args.model}", machine.name, "lower the batch_size of its protocol"):
            result = tune(params, args.dataset, args.model, protocol, tokens, stamp, interruption)
        write_result(paths.tuning(args.dataset, args.model), result)
        shutil.rmtree(paths.work(args.dataset, args.model, seed))


def tune(
    params: Params,
    dataset: str,
    model: str,
    protocol: Protocol,
    tokens: TokenFolder,
    stamp: Provenance,
    interruption: Interruption,
) -> TuningResult:
    """Try the grid, and what it is extended by."""
    tuning, entry = params.tuning, params.models[model]
    once, config = protocol.model_copy(update={"epochs": 1}), entry.config(tokens.vocab_size)
    train_blocks, validation_blocks = (tokens.blocks(split, config.block_size) for split in ("train", "validation"))
    blocks = train_blocks[: math.ceil(tuning.share * len(train_blocks))], validation_blocks
    made_with: dict[str, Any] = {
        "dataset": dataset,
        "model": model,
        "data": params.datasets[dataset].what(),
        "entry": entry.as_written(),
        "protocol": protocol.model_dump(),
        "fingerprint": fingerprint_sha256(model),
    }

    def attempt(rate: float) -> Trial:
        here = [stamp.data, stamp.device_type, stamp.instructions]
        folder = paths.work(dataset, model, tuning.seed) / json_sha256([made_with, here, tuning.share, rate])
        name = f"{dataset} {model} at {rate:g}"
        steps = math.ceil(len(blocks[0]) / protocol.batch_size)
        try:
            state, _ = run_to_end(name, entry, config, once.at(rate), tuning.seed, blocks, stamp, folder, interruption)
        except NotFiniteError as error:
            print(f"{name}: {error}")
            return Trial(learning_rate=rate, steps=steps, validation_loss=None)
        return Trial(learning_rate=rate, steps=steps, validation_loss=state.epochs[-1].validation_loss)

    trials = [attempt(rate) for rate in tuning.learning_rates]
    while (rate := beyond_the_edge(trials, tuning)) is not None:
        trials = in_order([*trials, attempt(rate)])
    best = best_of(trials).learning_rate
    trials = in_order([*trials, *(attempt(rate) for rate in (best / tuning.factor**0.5, best * tuning.factor**0.5))])
    result = TuningResult(**made_with, tuning=tuning.model_dump(), trials=trials, provenance=stamp)
    if result.best.validation_loss is None:
        raise UserError(f"{model} has no finite loss at any learning rate of tuning.learning_rates: lower them")
    return result


def in_order(trials: list[Trial]) -> list[Trial]:
    """By learning rate."""
    return sorted(trials, key=lambda trial: trial.learning_rate)


def beyond_the_edge(trials: list[Trial], tuning: Tuning) -> float | None:
    """The next learning rate to try, where the lowest or the highest is the best so far and the grid may go on."""
    best = trials.index(best_of(trials))
    if len(trials) >= len(tuning.learning_rates) + tuning.extensions:
        return None
    if best == 0:
        return trials[0].learning_rate / tuning.factor
    return trials[-1].learning_rate * tuning.factor if best == len(trials) - 1 else None


if __name__ == "__main__":
    exit_cleanly(main)
