"""`python -m pipeline.readme`: the opening of README.md, anew from paper_tables/finding.md."""

from pathlib import Path

from pipeline import paths
from pipeline.command_line import read_names
from pipeline.errors import exit_cleanly
from pipeline.files import write_text

README = Path("README.md")
FINDING = paths.PAPER_TABLES / "finding.md"
BEGIN, END = "<!-- finding -->\n", "<!-- end of finding -->\n"


def main() -> None:
    read_names(__doc__)
    write_text(README, with_finding(README.read_text(encoding="utf-8"), FINDING.read_text(encoding="utf-8")))


def with_finding(readme: str, finding: str) -> str:
    """`readme` with `finding` between its two marks, whose links start at the folder above paper_tables/."""
    before, rest = readme.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{finding.replace('](../', '](')}{END}{after}"


if __name__ == "__main__":
    exit_cleanly(main)
