"""The table of families with a protocol of their own, from made-up results."""

from typing import Any

import pytest

from pipeline.params.schema import load_params
from pipeline.report.published import load_published
from pipeline.report.tables.learned import learned_table
from pipeline.report.tables.main import main_table
from tests.conftest import Workspace
from tests.made_up import write_ngrams, write_run, write_tuning


def rows() -> dict[str, list[str]]:
    (group,) = learned_table(load_params(), load_published())[0].groups
    assert group.label == "stories, paper"
    return {row[0]: row[1:] for row in group.rows}


@pytest.fixture
def small(workspace: Workspace) -> Workspace:
    workspace.edit({"families": {"paper": {"protocol": "small"}}})
    return workspace


@pytest.mark.usefixtures("small")
def test_rates_losses_and_counts() -> None:
    write_tuning("gam", {0.001: 5.0, 0.004: 4.0})
    write_run("gam", 0, [4.5])
    write_ngrams(6.0, 5.0)
    found = rows()
    assert found["GAM (Full)"] == ["1.250", "0.004", "4.5000", "1.0000", "1.00", "5.5000", "1"]
    assert found["Transformer"] == ["not run"] * 6 + ["0"]
    assert found["Bigram count"] == ["–", "–", "5.0000", "1.0000", "1.00", "6.0000", "–"]


@pytest.mark.usefixtures("small")
def test_the_summary_has_the_same_numbers() -> None:
    write_tuning("gam", {0.001: 5.0, 0.004: 4.0})
    write_run("gam", 0, [4.5])
    summary: dict[str, Any] = learned_table(load_params(), load_published())[1]
    assert summary["stories"]["gam"]["validation_loss"] == 4.5
    assert summary["stories"]["gam"]["n"] == 1


@pytest.mark.usefixtures("small")
def test_such_a_family_stands_in_no_table_of_the_paper() -> None:
    """It is another protocol: beside the published one its numbers would mislead."""
    table, _ = main_table(load_params(), load_published())
    assert all(group.label != "stories" for group in table.groups)
