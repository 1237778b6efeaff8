"""The command line of the stages: names only, since all numbers are in params.yaml, where DVC sees them."""

import argparse
from typing import NoReturn

from pipeline.base import paths
from pipeline.base.errors import UserError, require_one_of
from pipeline.params.recall import TASKS
from pipeline.params.schema import Params, load_params


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"command line: {message} (see --help)")


def read_names(description: str | None, *names: str) -> tuple[argparse.Namespace, Params]:
    """Parse the options among --dataset, --task, --model and --seed that a stage takes, and load params.yaml.

    Raises UserError for an option that is missing or unknown, and for a name that params.yaml does not have.
    """
    parser = OneLineParser(description=description)
    for name in names:
        parser.add_argument(f"--{name}", required=True, type=int if name == "seed" else str)
    args = parser.parse_args()
    params = load_params()
    if "dataset" in names:
        require_one_of("data set", args.dataset, params.datasets, str(paths.PARAMS))
    if "task" in names:
        require_one_of("task", args.task, TASKS, "recall in params.yaml")
    if "model" in names:
        require_one_of("model", args.model, params.models, str(paths.PARAMS))
    if "seed" in names and not 0 <= args.seed < 2**63:
        raise UserError(f"command line: --seed must lie in 0 to 2**63 - 1, got {args.seed}")
    return args, params
