"""Stage `evaluate`: the stored weights of one run -> its metrics on validation and test."""

from gam import LanguageModel
from pipeline import paths
from pipeline.command_line import read_names
from pipeline.errors import exit_cleanly
from pipeline.metrics import describe, score_blocks
from pipeline.provenance import provenance
from pipeline.results import Metrics, write_result
from pipeline.runtime import start
from pipeline.tokens import open_tokens
from pipeline.weights import load_weights


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model", "seed")
    entry, batch_size = params.models[args.model], params.train.batch_size
    machine = start(params.runtime)
    tokens = open_tokens(args.dataset)
    model = LanguageModel(entry.config(tokens.vocab_size))
    load_weights(model, paths.weights(args.dataset, args.model, args.seed))
    model.to(machine.device)
    splits = {}
    for split, counts in tokens.splits.items():
        if split != "train":
            blocks = tokens.blocks(split, model.config.block_size)
            splits[split] = describe(score_blocks(model, blocks, batch_size, entry.precision), counts)
    run = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    stamp = provenance(machine, entry.precision, tokens)
    write_result(paths.metrics(**run), Metrics(**run, splits=splits, provenance=stamp))


if __name__ == "__main__":
    exit_cleanly(main)
