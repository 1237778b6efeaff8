"""Stage `check`: params.yaml is valid.

Its output never changes, so a valid edit reruns nothing by itself, and an invalid one stops the graph before DVC
removes anything.
"""

from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.base.files import write_text
from pipeline.params.command_line import read_names


def main() -> None:
    read_names(__doc__)
    write_text(paths.PARAMS_ARE_VALID, "valid\n")


if __name__ == "__main__":
    exit_cleanly(main)
