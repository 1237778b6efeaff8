"""The command line of the stages: names only, since all numbers are in params.yaml, where DVC sees them."""

import argparse
from typing import NoReturn

from pipeline import paths
from pipeline.errors import UserError, require_one_of
from pipeline.params import Params, load_params


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"command line: {message} (see --help)")


def read_names(description: str | None, *names: str) -> tuple[argparse.Namespace, Params]:
    """Parse the options among --dataset, --model and --seed that a stage takes, and load params.yaml.

    Raises UserError for an option that is missing or unknown, and for a name that params.yaml does not have.
    """
    parser = _OneLineParser(description=description)
    for name in names:
        parser.add_argument(f"--{name}", required=True, type=int if name == "seed" else str)
    args = parser.parse_args()
    params = load_params()
    if "dataset" in names:
        require_one_of("data set", args.dataset, params.datasets, str(paths.PARAMS))
    if "model" in names:
        require_one_of("model", args.model, params.models, str(paths.PARAMS))
    if "seed" in names and args.seed < 0:
        raise UserError(f"command line: --seed must be at least 0, got {args.seed}")
    return args, params
