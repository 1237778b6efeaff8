"""`python -m pipeline grid --jobs n [STAGE ...]`: all stages of dvc.yaml that are out of date, n at a time.

With names of stages: these and what they need, such as `train_small` for all runs of a family, or one of them alone.

With `--launcher slurm` trainings and what else takes long run as jobs of a cluster, as cluster.yaml asks for them.

The same as `dvc repro`, which runs one after another: either goes on where the other stopped. A stage that fails stops
only those that need it; the tables are made from what is there.
"""

import argparse
import sys
from typing import get_args

from pipeline.base.errors import UserError
from pipeline.commands.launching import Launcher, launch
from pipeline.params.command_line import OneLineParser


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", required=True, type=int, help="stages at a time, such as 2")
    parser.add_argument("--launcher", choices=get_args(Launcher), default="local", help="where they run")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="names in dvc.yaml; without one, all stages")
    args = parser.parse_args()
    jobs: int = args.jobs
    if jobs < 1:
        raise UserError(f"command line: --jobs must be at least 1, got {jobs}")
    sys.exit(not launch(jobs, args.stages, args.launcher))
