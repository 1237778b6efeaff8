"""Families: who is compared with whom, on which texts, over which seeds."""

import json

import pytest

from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.claims.comparisons import ComparedRuns
from pipeline.params.schema import Params, load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_run
from tests.pipeline.conftest import SEEDS, verdicts, write_losses, write_reduced


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
    families = {dataset: list(found) for dataset, found in summary.items() if dataset != "devices"}
    assert families == {"stories": ["paper"], "less": ["reduced"]}
    reduced.edit({"families": {"reduced": {"datasets": []}}})
    reduced.call(tables)
    assert "reduced runs" not in (paths.PAPER_TABLES / "claims.md").read_text()


@pytest.mark.usefixtures("grid")
def test_models_are_compared_by_the_seeds_that_both_are_to_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here Mamba is to have the first five of seven: it waits for no others, and the other two do."""
    seeds = [*SEEDS, 5, 6]
    runs = {("stories", "gam"): seeds, ("stories", "transformer"): seeds, ("stories", "mamba"): SEEDS}
    monkeypatch.setattr(Params, "runs", lambda _: runs)
    write_losses(gam=5.0, transformer=5.1, mamba=5.2)
    compared = ComparedRuns(load_params(), "stories", "paper")
    assert compared.seeds("mamba", "gam") == compared.seeds("gam", "mamba") == SEEDS
    assert [compared.all_ran("transformer", "mamba"), compared.all_ran("gam", "transformer")] == [True, False]
    (c3,) = [answer for answer in answers(load_params()) if answer.claim == "C3"]
    assert [each.verdict for each in c3.measurements] == ["not run", "reproduced"]
    for model, loss in (("gam", 5.0), ("transformer", 5.1)):
        for seed in (5, 6):
            write_run(model, seed, [loss + seed])
    (c3,) = [answer for answer in answers(load_params()) if answer.claim == "C3"]
    assert [(each.n, each.verdict) for each in c3.measurements] == [(7, "reproduced"), (5, "reproduced")]
    assert compared.seeds("sum_fusion") == []
    assert not compared.all_ran("sum_fusion")
