"""docs/performance.md against the results that it shows, and the rule by which bars hold."""

import json

import pytest

from benchmarks.bars import Bar, Measured
from benchmarks.report import report
from pipeline.quickstart import HOUSE


def test_the_page_shows_the_results() -> None:
    results = json.loads((HOUSE / "benchmarks/results.json").read_text(encoding="utf-8"))
    page = (HOUSE / "docs/performance.md").read_text(encoding="utf-8")
    assert f"<!-- measured -->\n{report(results)}<!-- end -->\n" in page


@pytest.mark.parametrize(
    ("measured", "least", "most"),
    [(None, None, None), ((2.0, 0.5, 3.0), True, True), ((1.9, 1.9, 3.0), False, True), ((2.1, 1.0, 2.2), True, False)],
)
def test_a_bar_holds_by_its_median(measured: Measured | None, least: bool | None, most: bool | None) -> None:
    assert Bar("", "least", 2, "s", measured).holds is least
    assert Bar("", "most", 2, "s", measured).holds is most
    assert ("not seen" in Bar("", "most", 2, "s", measured).row()) == (measured is None)
