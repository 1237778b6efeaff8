"""Which answer stands for a claim, and which was given by the same measurements before."""

from dataclasses import replace

import pytest

from pipeline.claims.answers import Answer, Size, answered_by, answers, by_claim, most_telling
from pipeline.claims.measurements import Reach, not_run
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up_costs import write_timing
from tests.pipeline.conftest import SEEDS, write_losses, write_reduced


def shown(claim: str) -> Answer:
    answer = most_telling(by_claim(answers(load_params()))[claim])
    assert answer is not None
    return answer


def test_the_paper_s_own_runs_go_first_once_they_are_complete(reduced: Workspace) -> None:
    assert (shown("C3").family, shown("C3").verdict) == ("paper", "not run")
    write_reduced(SEEDS)
    assert (shown("C3").family, shown("C3").verdict) == ("reduced", "reproduced")
    write_losses(gam=5.0, transformer=5.1)  # no Mamba yet
    assert shown("C3").family == "reduced"
    write_losses(gam=5.0, transformer=5.1, mamba=5.0)
    assert (shown("C3").family, shown("C3").verdict) == ("paper", "contradicted")
    assert shown("C3").is_papers_size
    reduced.edit({"families": {"paper": {"seeds": [*SEEDS, 7]}}})
    assert shown("C3").family == "reduced"


def test_models_of_the_paper_s_size_go_before_smaller_ones() -> None:
    found = replace(not_run("x"), verdict="reproduced", value=Reach(6, 6, 5))
    small = Answer("C8", "stories", "a", Size(8, 1, 32), False, [found])
    large = replace(small, family="b", size=Size(16, 2, 32), is_papers_size=True)
    own = replace(large, family="paper")
    for answers_there, first in (([small, large], large), ([small, large, own], own), ([small], small)):
        assert most_telling(answers_there) is first
    for verdict in ("not run", "no valid test", "inconclusive"):
        waiting = replace(own, measurements=[replace(found, verdict=verdict, unit="nats", n=3)])
        assert most_telling([waiting, small]) is small
    waiting = replace(own, measurements=[replace(found, verdict="not run")])
    assert most_telling([replace(own, measurements=[not_run("x")]), waiting]) is waiting


def test_one_measurement_answers_two_claims(grid: Workspace) -> None:
    before, after = shown("C1"), shown("C2")
    assert answered_by([before], after) is None  # nothing was measured
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    before, after = shown("C1"), shown("C2")
    assert answered_by([before], after) == "C1"
    assert answered_by([], before) is answered_by([after], before) is None  # C1 is about Mamba too
    assert answered_by([], after) is None
    assert answered_by([replace(before, family="another")], after) is None
    grid.edit({"timing": {"repetitions": 4}})
    assert shown("C2").measurements == [not_run("vs Transformer"), not_run("vs fused Transformer")]


@pytest.mark.usefixtures("workspace")
def test_a_claim_that_no_text_was_asked_about_has_no_answer() -> None:
    found = by_claim(answers(load_params()))
    assert list(found) == [f"C{number}" for number in range(1, 13)]
    assert found["C4"] == []
    assert most_telling(found["C4"]) is None
