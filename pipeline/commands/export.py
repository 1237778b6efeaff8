"""`python -m pipeline export DATASET MODEL SEED`: one finished run as a folder that can be taken away.

It holds the weights, the configuration, the tokenizer, and a card that says what the model is and what it scores.
`gam.pretrained` opens it, without the pipeline, and `python -m gam generate` writes text with it. It also holds the
code of the model. So Hugging Face transformers opens it without this project.
"""

import argparse
from pathlib import Path

from gam import LanguageModel
from pipeline.artifacts.records import Metrics
from pipeline.artifacts.storage import read_result
from pipeline.artifacts.weights import load_weights
from pipeline.base import paths
from pipeline.base.errors import UserError, require_one_of
from pipeline.base.files import replacing_folder, write_text
from pipeline.commands.card import card
from pipeline.data.tokens import open_tokens
from pipeline.params.command_line import OneLineParser
from pipeline.params.schema import load_params

HUB = "pip install '.[hub]'"
"""What brings huggingface_hub."""


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("model")
    parser.add_argument("seed", type=int)
    parser.add_argument("--to", type=Path, help="the folder to make; exports/DATASET/MODEL/seed-SEED where left out")
    args = parser.parse_args()
    params = load_params()
    require_one_of("data set", args.dataset, params.datasets, str(paths.PARAMS))
    require_one_of("model", args.model, params.models, str(paths.PARAMS))
    folder = args.to or paths.EXPORTS / args.dataset / args.model / f"seed-{args.seed}"
    try:
        from gam.pretrained import PretrainedModel, save_tokenizer
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: {HUB}") from None
    tokens = open_tokens(args.dataset, params.datasets[args.dataset])
    model = LanguageModel(params.models[args.model].config(tokens.vocab_size))
    checksum = load_weights(model, paths.weights(args.dataset, args.model, args.seed))
    scores = paths.metrics(args.dataset, args.model, args.seed)
    metrics = read_result(scores, Metrics)
    if metrics is None or metrics.weights != checksum:
        state = "is missing" if metrics is None else "is of other weights"
        raise UserError(f"{scores} {state}: run `dvc repro` to evaluate these")
    if folder.exists() and not (folder / "config.json").is_file():
        raise UserError(f"{folder} is there, and holds no model: name another folder with --to")
    with replacing_folder(folder) as temporary:
        save_tokenizer(temporary, tokens.tokenizer(), model.config.block_size)
        write_text(temporary / "README.md", card(params, metrics, model.config, model.n_parameters()))
        PretrainedModel.of(model).save_pretrained(temporary)
    print(f'{folder}: try `python -m gam generate {folder} "Once upon a time"`')
