"""The command readme: what it says where it cannot write the opening."""

from collections.abc import Callable
from pathlib import Path

from pipeline.commands.readme import FINDING
from pipeline.commands.readme import main as readme


def test_an_opening_that_cannot_be_written_is_told_in_one_line(refusal: Callable[..., str]) -> None:
    assert "README.md is missing: restore it from git" in refusal(readme)
    Path("README.md").write_text("By hand.\n")
    assert "finding.md is missing: run `dvc repro -s -f tables`" in refusal(readme)
    FINDING.parent.mkdir()
    FINDING.write_text("None yet.\n")
    assert "README.md lacks the lines <!-- finding --> and" in refusal(readme)
    assert Path("README.md").read_text() == "By hand.\n"
