"""Stage `evaluate`: the stored weights of one run -> its metrics on validation and test."""

from gam import LanguageModel
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import Metrics
from pipeline.artifacts.storage import write_result
from pipeline.artifacts.weights import load_weights
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.data.tokens import open_tokens
from pipeline.evaluation.metrics import describe, score_blocks
from pipeline.evaluation.probes import classes_of_blocks, gate_preferences, reach_by_change, reach_by_gradient
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model", "seed")
    entry, batch_size = params.models[args.model], params.batch_size(args.dataset, args.model)
    machine = start(params.runtime_of(args.dataset, args.model), entry)
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    model = LanguageModel(entry.config(tokens.vocab_size))
    checksum = load_weights(model, paths.weights(args.dataset, args.model, args.seed))
    model.to(machine.device)
    splits = {}
    for split, counts in tokens.splits.items():
        if split != "train":
            blocks = tokens.blocks(split, model.config.block_size)
            splits[split] = describe(score_blocks(model, blocks, batch_size, entry.precision), counts)
    validation = tokens.blocks("validation", model.config.block_size)
    run = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    metrics = Metrics(
        **run,
        weights=checksum,
        splits=splits,
        reach_by_gradient=reach_by_gradient(model, validation),
        reach_by_change=reach_by_change(model, validation),
        gates=gate_preferences(model, validation, classes_of_blocks(tokens, model.config.block_size), batch_size),
        provenance=provenance(machine, entry.precision, tokens),
    )
    write_result(paths.metrics(**run), metrics)


if __name__ == "__main__":
    exit_cleanly(main)
