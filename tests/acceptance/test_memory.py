"""Memory that does not grow with the text: the tool of the same name on a small one."""

from pathlib import Path

from tests.acceptance.memory import STAGES, make_text, peak

SIZE = 40_000_000
MOST_GROWTH = 30.0
"""MiB, of which some are the library's for Parquet, and for more different words."""


def test_does_not_grow_with_the_text(tmp_path: Path) -> None:
    """A stage that held the text, or its tokens as numbers of four bytes, would take 40 MiB more, or 100."""
    make_text(tmp_path, SIZE, few=5000)
    for stage in STAGES:  # each reads what the one before wrote
        few, _ = peak(tmp_path, stage, "few")
        most, _ = peak(tmp_path, stage, "all")
        assert most - few < MOST_GROWTH, stage
