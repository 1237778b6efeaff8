"""Families: who is compared with whom, on which texts, over which seeds."""

import json

import pytest

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.pipeline.conftest import SEEDS, verdicts, write_reduced


@pytest.mark.parametrize(("gam", "verdict"), [(5.0, "reproduced"), (5.2, "not reproduced")])
def test_a_role_that_nobody_plays_holds_nothing_back(reduced: Workspace, gam: float, verdict: str) -> None:
    reduced.edit({"grid": {"seeds": [0, 1, 2, 3, 4]}})  # the other grid's
    write_reduced(SEEDS, gam)
    found = verdicts(reduced, "less", "reduced")
    assert {found[name] for name in ("C3", "C12")} == {verdict}
    assert {name: found[name] for name in ("C7", "C8", "C9", "C10")} == {
        "C7": "not run",
        "C8": "not reproduced",  # by GAM's reach, all that it can be judged by here
        "C9": "not judged",
        "C10": "not judged",
    }
    rows = [row for row in (paths.PAPER_TABLES / "claims.md").read_text().splitlines() if "family reduced" in row]
    told = {row.split("|")[2].strip(): row.split("|")[5].strip() for row in rows}
    assert told["C3"].startswith("Transformer − GAM: ")
    for name in ("C3", "C12"):
        assert told[name].endswith("; no Mamba in this family")
    assert told["C10"] == "no Local Only, no Global Only in this family"


def test_a_family_waits_for_the_seeds_of_its_own_grid(reduced: Workspace) -> None:
    reduced.edit({"grid": {"seeds": [0, 1]}})
    write_reduced([0, 1])
    assert verdicts(reduced, "less", "reduced")["C3"] == "not run"
    write_reduced([2])
    assert verdicts(reduced, "less", "reduced")["C3"] == "reproduced"


def test_a_family_is_judged_on_the_data_sets_of_its_grid(reduced: Workspace) -> None:
    reduced.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    families = {dataset: list(found) for dataset, found in summary.items() if dataset != "machine"}
    assert families == {"stories": ["paper"], "wikitext-2": ["paper"], "tinystories": ["paper"], "less": ["reduced"]}
    reduced.edit({"cpu_grids": {"reduced": {"datasets": []}}})
    reduced.call(tables)
    assert "family reduced" not in (paths.PAPER_TABLES / "claims.md").read_text()
