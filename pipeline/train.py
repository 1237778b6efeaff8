"""Stages `train` and `ablation`: token ids -> weights and learning curve of one run."""

import math

from pipeline import paths
from pipeline.command_line import read_names
from pipeline.errors import exit_cleanly
from pipeline.progress import Progress
from pipeline.provenance import provenance
from pipeline.results import Clock, Curve, EpochLosses, EpochSeconds, write_result
from pipeline.runtime import start
from pipeline.tokens import open_tokens
from pipeline.training import seeded_model, train_epochs
from pipeline.weights import save_weights


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model", "seed")
    entry, settings = params.models[args.model], params.train
    machine = start(params.runtime)
    tokens = open_tokens(args.dataset)
    config = entry.config(tokens.vocab_size)
    train_blocks = tokens.blocks("train", config.block_size)
    validation_blocks = tokens.blocks("validation", config.block_size)

    model = seeded_model(config, args.seed, machine.device)
    total_steps = settings.epochs * math.ceil(len(train_blocks) / settings.batch_size)
    progress = Progress(f"{args.dataset} {args.model} seed {args.seed}", total_steps)
    epochs = []
    for epoch in train_epochs(
        model, train_blocks, validation_blocks, settings, args.seed, entry.precision, progress.step
    ):
        epochs.append(epoch)
        progress.epoch(epoch)
    progress.close()

    names = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    run = names | {"weights": save_weights(model, paths.weights(**names))}
    stamp = provenance(machine, entry.precision, tokens)
    losses = [
        EpochLosses(epoch=e.number, steps=e.steps, train_loss=e.train_loss, validation_loss=e.validation_loss)
        for e in epochs
    ]
    seconds = [
        EpochSeconds(
            epoch=e.number,
            train_seconds=e.train_seconds,
            validation_seconds=e.validation_seconds,
            tokens_per_second=len(train_blocks) * config.block_size / e.train_seconds,
        )
        for e in epochs
    ]
    write_result(
        paths.curve(**names),
        Curve(
            **run,
            data=params.datasets[args.dataset].what(),
            entry=entry.model_dump(),
            train=settings.model_dump(),
            parameters=model.n_parameters(),
            epochs=losses,
            provenance=stamp,
        ),
    )
    write_result(paths.clock(**names), Clock(**run, epochs=seconds, provenance=stamp))


if __name__ == "__main__":
    exit_cleanly(main)
