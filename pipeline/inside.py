"""Stage `inside`: the stored weights of one run -> what context is worth to them, and what their parts do."""

from gam import LanguageModel
from pipeline.artifacts.inside_records import ContextLoss, Inside
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.storage import write_result
from pipeline.artifacts.weights import load_weights
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.data.tokens import open_tokens
from pipeline.evaluation.context import context_losses, position_losses
from pipeline.evaluation.gam_parts import SLOT_BLOCKS, path_use, slot_use
from pipeline.evaluation.probes import GATE_BLOCKS, classes_of_blocks
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names


def main() -> None:
    args, params = read_names(__doc__, "dataset", "model", "seed")
    entry = params.models[args.model]
    machine = start(params.runtime_of(args.dataset, args.model), entry)
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    model = LanguageModel(entry.config(tokens.vocab_size))
    checksum = load_weights(model, paths.weights(args.dataset, args.model, args.seed))
    model.to(machine.device)
    block_size = model.config.block_size
    blocks = tokens.blocks("validation", block_size)
    run = {"dataset": args.dataset, "model": args.model, "seed": args.seed}
    positions = position_losses(model, blocks)
    inside = Inside(
        **run,
        weights=checksum,
        blocks=len(blocks),
        position_losses=positions,
        context_losses=[*context_losses(model, blocks), ContextLoss(tokens=block_size, loss=positions[-1])],
        path_blocks=min(GATE_BLOCKS, len(blocks)),
        slot_blocks=min(SLOT_BLOCKS, len(blocks)),
        paths=path_use(model, blocks, classes_of_blocks(tokens, block_size)),
        slots=slot_use(model, blocks),
        provenance=provenance(machine, "float32", tokens),
    )
    write_result(paths.inside(**run), inside)


if __name__ == "__main__":
    exit_cleanly(main)
