"""`python -m pipeline NAME`: the commands that a person calls. The stages are called by DVC, as dvc.yaml says."""

import sys
from importlib import import_module

from pipeline.base.errors import UserError, exit_cleanly, require_one_of

COMMANDS = {
    "quickstart": "the whole pipeline, small, on a text that it makes itself",
    "grid": "all runs of params.yaml, several stages at a time",
    "gpu": "all that only a GPU can tell, the most telling first",
    "watch": "the trainings that run now: step, loss, time left; in a tracker, too",
    "export": "a finished run as a folder that can be taken away",
    "report": "report/index.html, all answers, tables and figures in one page",
    "reproduce": "the small models anew, and what they say of the claims beside git: ./reproduce.sh",
    "verify": "one finished run trained again: does it come back?",
    "crate": "ro-crate-metadata.json, which tells machines what this release consists of",
    "prune": "remove results that params.yaml no longer names",
    "readme": "write the opening of README.md anew from paper_tables/",
}
"""Each a module of pipeline.commands, and what it does."""


def main() -> None:
    name, rest = sys.argv[1] if len(sys.argv) > 1 else "--help", sys.argv[2:]
    if name in ("-h", "--help"):
        print("usage: python -m pipeline NAME [OPTIONS]\n")
        for command, what in COMMANDS.items():
            print(f"  {command:11} {what}")
        print(
            "\n`python -m pipeline NAME --help` tells the options. `make help` lists the daily ones.\n"
            "`python -m pipeline.check` checks params.yaml."
        )
        return
    if name.startswith("-"):
        raise UserError(f"command line: {name} stands where the name of a command is expected (see --help)")
    require_one_of("command", name, COMMANDS, "python -m pipeline")
    sys.argv = [f"python -m pipeline {name}", *rest]
    import_module(f"pipeline.commands.{name}").main()


if __name__ == "__main__":
    exit_cleanly(main)
