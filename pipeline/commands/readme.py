"""`python -m pipeline readme`: the opening of README.md, anew from paper_tables/finding.md."""

from pathlib import Path

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import write_text
from pipeline.params.command_line import read_names

README = Path("README.md")
FINDING = paths.PAPER_TABLES / "finding.md"
BEGIN, END = "<!-- finding -->\n", "<!-- end of finding -->\n"


def main() -> None:
    read_names(__doc__)
    for file, remedy in ((README, "restore it from git"), (FINDING, "run `dvc repro -s -f tables`")):
        if not file.exists():
            raise UserError(f"{file} is missing: {remedy}")
    write_text(README, with_finding(README.read_text(encoding="utf-8"), FINDING.read_text(encoding="utf-8")))


def with_finding(readme: str, finding: str) -> str:
    """`readme` with `finding` between its two marks, and its links as seen from README.md.

    Raises UserError where there are no such marks.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"{README} lacks the lines {BEGIN.strip()} and {END.strip()}: restore them from git")
    return f"{before}{BEGIN}{finding.replace('](../', '](')}{END}{after}"
