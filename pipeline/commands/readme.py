"""`python -m pipeline readme`: the opening of README.md, anew from paper_tables/answers.md."""

from pathlib import Path

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import write_text
from pipeline.params.command_line import read_names

README = Path("README.md")
ANSWERS = paths.PAPER_TABLES / "answers.md"
BEGIN, END = "<!-- answers -->\n", "<!-- end of answers -->\n"


def main() -> None:
    read_names(__doc__)
    for file, remedy in ((README, "restore it from git"), (ANSWERS, "run `dvc repro -s -f tables`")):
        if not file.exists():
            raise UserError(f"{file} is missing: {remedy}")
    write_text(README, with_answers(README.read_text(encoding="utf-8"), ANSWERS.read_text(encoding="utf-8")))


def with_answers(readme: str, answers: str) -> str:
    """`readme` with `answers` between its two marks, and its links as seen from README.md.

    Raises UserError where there are no such marks.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"{README} lacks the lines {BEGIN.strip()} and {END.strip()}: restore them from git")
    return f"{before}{BEGIN}{answers.replace('](../', '](')}{END}{after}"
