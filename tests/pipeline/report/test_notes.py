"""What stands above and below the answers."""

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.answers import answers
from pipeline.params.schema import load_params
from pipeline.report.notes import in_short, rule, terms
from pipeline.report.wording import plain, verdict_text
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_ngrams, write_timing
from tests.pipeline.conftest import write_losses


def test_the_rule_prints_the_margins() -> None:
    params = load_params(HOUSE / "params.yaml")
    for number in ("0.01 nats", "2% for times", "0.01 for gate", "T = 1024 to 16384", "1.87 to 2.14", "3.48 to 4.59"):
        assert number in " ".join(rule(params.claims))
    assert "(0.01 nats, 2 % of a time, 0.01 of a gate)" in " ".join(terms(params))


@pytest.mark.usefixtures("grid")
def test_in_short() -> None:
    assert in_short(answers(load_params())) == (
        f"In short. Not run, or not all of it: {', '.join(f'C{number}' for number in range(1, 13))}."
    )
    write_ngrams(6.0, 4.0)
    write_losses(gam=4.0, transformer=4.1, mamba=4.2, gam_global_only=3.9)
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    told = in_short(answers(load_params()))
    assert "Reproduced: C1 (in part), C2, C3, C12. Not reproduced: C9. Not run, or not all of it: C4, C5" in told
    assert "No model was trained far enough to predict better than a table of word pairs." in told
    write_ngrams(6.0, 5.5)
    assert "No model" not in in_short(answers(load_params()))


def test_a_property_is_there_or_not_however_little_was_learned(grid: Workspace) -> None:
    """What GAM's output depends on needs no good model; what was lost or gained by a part does."""
    write_ngrams(6.0, 4.0)
    write_losses(gam=4.0, gam_sum_fusion=4.1)
    grid.edit({"families": {"paper": {"ablations": {"models": ["gam-sum-fusion"]}}}})
    said = {answer.claim: plain(verdict_text(answer)) for answer in answers(load_params())}
    assert said["C7"].endswith("models worse than word-pair counts")
    assert said["C8"] == "not reproduced; not tested here: Global Only, Local Only"


def test_the_paper_s_effects_that_the_margin_hides(grid: Workspace) -> None:
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "the paper's own effect in C9 (0.0051) and C10 (0.0022): measured" in claims.read_text()
    grid.edit({"claims": {"margin_nats": 0.002}})
    grid.call(tables)
    assert "the paper's own effect" not in claims.read_text()
