"""Families: who is compared with whom, on which texts, over which seeds."""

import json

import pytest

from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.pipeline.conftest import SEEDS, verdicts, write_reduced


@pytest.mark.parametrize(("gam", "verdict"), [(5.0, "reproduced"), (5.2, "contradicted")])
def test_a_role_that_nobody_plays_holds_nothing_back(reduced: Workspace, gam: float, verdict: str) -> None:
    reduced.edit({"families": {"paper": {"seeds": [0, 1]}}})
    write_reduced(SEEDS, gam)
    found = verdicts(reduced, "less", "reduced")
    assert {found[name] for name in ("C3", "C12")} == {verdict}
    assert {name: found[name] for name in ("C7", "C8", "C9", "C10")} == {
        "C7": "not run",
        "C8": "contradicted",  # by GAM's reach, all that it can be judged by here
        "C9": "not judged",
        "C10": "not judged",
    }
    lacking = {
        answer.claim: {role for each in answer.measurements for role in each.lacking}
        for answer in answers(load_params())
        if answer.family == "reduced"
    }
    assert lacking["C3"] == lacking["C12"] == {"mamba"}
    assert lacking["C10"] == {"local_only", "global_only"}


def test_a_family_waits_for_its_own_seeds(reduced: Workspace) -> None:
    reduced.edit({"families": {"paper": {"seeds": [0, 1]}}})
    write_reduced([0, 1, 2, 3])
    assert verdicts(reduced, "less", "reduced")["C3"] == "not run"
    write_reduced([4])
    assert verdicts(reduced, "less", "reduced")["C3"] == "reproduced"


def test_a_family_is_judged_on_its_own_texts(reduced: Workspace) -> None:
    reduced.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    families = {dataset: list(found) for dataset, found in summary.items() if dataset != "machine"}
    assert families == {"stories": ["paper"], "less": ["reduced"]}
    reduced.edit({"families": {"reduced": {"datasets": []}}})
    reduced.call(tables)
    assert "reduced runs" not in (paths.PAPER_TABLES / "claims.md").read_text()
