"""The tables of recall and of facts, from made-up results."""

import json

import pytest

from pipeline.base import paths
from pipeline.report.tables.tasks import accuracy_cell
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_recall
from tests.pipeline.conftest import RECALL, cells


@pytest.fixture
def tasks(workspace: Workspace) -> Workspace:
    workspace.edit({"recall": RECALL})
    return workspace


def test_without_any_result(tasks: Workspace) -> None:
    tasks.call(tables)
    assert cells("recall", "Copying (chance 0.25)", "all") == ["not run", "not run"]
    assert cells("facts", "Facts held in weights (chance 0.25)", "40") == ["not run"] * 3
    assert "recalls beyond its reach in copying: not run." in (paths.PAPER_TABLES / "recall.md").read_text()


def test_without_any_model(workspace: Workspace) -> None:
    workspace.call(tables)
    assert "no GAM" not in (paths.PAPER_TABLES / "recall.md").read_text()
    assert json.loads((paths.PAPER_TABLES / "summary.json").read_text())["recall"] == {}


def test_accuracy_by_distance(tasks: Workspace) -> None:
    """Associative recall in ranges: powers of two, and the five tokens that the convolutions see, end them."""
    write_recall("copying", "gam", {1: {1: 1.0}, 5: {5: 0.25}})
    write_recall("copying", "transformer", {1: {1: 0.97}, 5: {5: 0.96}})
    write_recall("associative", "gam", {16: {2: 1.0, 4: 0.9, 6: 0.3, 8: 0.2, 10: 0.25, 14: 0.35}})
    tasks.call(tables)
    assert cells("recall", "Copying (chance 0.25)", "1") == ["1.00", "0.97"]
    assert cells("recall", "Copying (chance 0.25)", "5") == ["0.25", "0.96"]
    title = "Associative recall, T = 16, 3 pairs (chance 0.25)"
    shown = {label: cells("recall", title, label)[0] for label in ("2", "4", "6–8", "10–14")}
    assert shown == {"2": "1.00", "4": "0.90", "6–8": "0.25", "10–14": "0.30"}
    text = (paths.PAPER_TABLES / "recall.md").read_text()
    assert "GAM (Full), recalls beyond its reach in copying: contradicted; accuracy out of reach 0.250 to 0.250" in text
    assert "recalls beyond its reach in associative recall: not run" in text
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["recall"]
    assert summary["copying"]["gam"]["verdict"] == "contradicted"


def test_facts(tasks: Workspace) -> None:
    tasks.edit({"models": {"gam-sum-fusion": {"gate": False, "local": False, "memory": False, "ffn_width": 70}}})
    write_recall("facts", "gam", {20: {0: 1.0}, 40: {0: 0.6}})
    write_recall("facts", "gam-sum-fusion", {20: {0: 1.0}, 40: {0: 0.8}})
    tasks.call(tables)
    row = cells("facts", "Facts held in weights (chance 0.25)", "40")
    assert row[:2] == ["0.60", "0.80"]
    assert row[2].startswith("-0.200 [-0.200")
    assert "FFN alone, wide" in (paths.PAPER_TABLES / "facts.md").read_text()


def test_what_is_left_out(tasks: Workspace) -> None:
    write_recall("copying", "gam", {1: {1: 1.0}})
    tasks.edit({"recall": {"copying": {"steps": 7}}})
    tasks.call(tables)
    text = (paths.PAPER_TABLES / "recall.md").read_text()
    assert "by code that computes something else: copying by gam." in text
    assert "copying by gam" not in (paths.PAPER_TABLES / "facts.md").read_text()


def test_cells() -> None:
    assert accuracy_cell(None) == "not run"
    assert accuracy_cell([0.981, 0.984]) == "0.98"
    assert accuracy_cell([0.981, 0.06, 0.986]) == "0.06–0.99"
