"""Tests that were named beforehand are corrected together, and no measurement is counted twice."""

import math
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.claims.answers import Answer
from pipeline.claims.family import corrected, counted_once, step_down
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Measurement, Reach, not_judged
from pipeline.claims.verdicts import Verdict, as_equality


@pytest.mark.parametrize(
    ("levels", "decides"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.051], [False]),
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # 0.005 < 0.0125, 0.01 < 0.0167, 0.03 > 0.025
        ([0.001, 0.02, 0.012, 0.04], [True, True, True, True]),  # 0.0125, 0.0167, 0.025, 0.05
        ([0.013, 0.014, 0.015, 0.016], [False, False, False, False]),  # alone each would decide
        ([1.0, 1.0, 0.016], [False, False, True]),
    ],
)
def test_by_hand(levels: list[float], decides: list[bool]) -> None:
    assert step_down(levels) == decides


@given(st.lists(st.floats(0, 0.1) | st.sampled_from([0.01, 0.0125, 0.025, 0.05, 1.0]), max_size=6))
def test_by_the_closure_of_bonferroni(levels: list[float]) -> None:
    """A test decides if every set of tests that it is in does, by Bonferroni (Marcus, Peritz and Gabriel 1976)."""

    def set_decides(chosen: tuple[float, ...]) -> bool:
        return min(chosen) <= 0.05 / len(chosen)

    def decides(at: int) -> bool:
        others = levels[:at] + levels[at + 1 :]
        sets = [(levels[at], *some) for size in range(len(levels)) for some in combinations(others, size)]
        return all(set_decides(each) for each in sets)

    assert step_down(levels) == [decides(at) for at in range(len(levels))]


GAM_FIRST = Measurement("Transformer − GAM", "reproduced", Estimate(0.5, 0.3, 0.7, 5), "nats", 5)
GAM_FIRST = replace(GAM_FIRST, models=("gam", "transformer"), level=0.02)


def test_a_test_without_a_verdict_keeps_its_place() -> None:
    others = [
        replace(GAM_FIRST, verdict="no valid test"),
        Measurement("x", "not run", unit="nats"),
    ]
    for how_many, verdict in ((0, "reproduced"), (1, "reproduced"), (2, "inconclusive")):
        found = corrected({"C3": [GAM_FIRST], "C7": others[:how_many]}, ["C3", "C7"])
        test = found["C3"][0]
        assert (test.verdict, test.tests) == (verdict, 1 + how_many)
        assert test.uncorrected == (None if verdict == "reproduced" else "reproduced")
        assert test.value == GAM_FIRST.value  # shown as it is
        assert [each.verdict for each in found["C7"]] == [each.verdict for each in others[:how_many]]


def test_what_is_not_corrected() -> None:
    """Secondary tests, what is read off another, properties, what is shown beside, and models that are not there."""
    beside = replace(GAM_FIRST, is_part=False)
    equality = replace(GAM_FIRST, is_equality=True)
    reach = Measurement("how far GAM sees", "contradicted", Reach(5, 5, 5), n=5)
    found = corrected(
        {"C3": [GAM_FIRST, beside, not_judged("x", ["mamba"])], "C8": [equality, reach], "C10": [GAM_FIRST]},
        ["C3", "C8"],
    )
    assert found["C3"][0].tests == 1
    assert [each.tests for each in (*found["C3"][1:], *found["C8"], *found["C10"])] == [0] * 5


def test_one_measurement_one_verdict() -> None:
    """Read off the claim that it is a primary test of, even where another comes first."""
    worse = replace(GAM_FIRST, models=("gam", "global_only"), verdict="inconclusive", uncorrected="no effect", tests=6)
    same = replace(worse, verdict="reproduced", uncorrected=None, tests=0, is_equality=True)
    found = counted_once({"C3": [GAM_FIRST], "C8": [same], "C9": [worse], "C12": [replace(GAM_FIRST, at="epoch 1")]})
    assert [found[claim][0].answered_by for claim in found] == ["", "C9", "", "C3"]
    assert (found["C8"][0].verdict, found["C8"][0].uncorrected) == ("inconclusive", "reproduced")
    assert found["C12"][0].at == "epoch 1"
    first = replace(GAM_FIRST, verdict="no effect")
    found = counted_once({"C8": [first], "C10": [replace(GAM_FIRST, tests=2)]})
    assert (found["C8"][0].answered_by, found["C8"][0].verdict) == ("C10", "reproduced")
    other = replace(GAM_FIRST, models=("transformer", "mamba"))  # other models, by chance the same numbers
    assert not any(each.answered_by for found in counted_once({"C3": [GAM_FIRST, other]}).values() for each in found)


@pytest.mark.parametrize("verdict", ["reproduced", "contradicted", "no effect", "inconclusive", "no valid test"])
def test_two_claims_that_exclude_each_other(verdict: Verdict) -> None:
    difference = replace(GAM_FIRST, verdict=verdict)
    found = counted_once({"C8": [replace(difference, is_equality=True)], "C9": [difference]})
    assert found["C8"][0].verdict == as_equality(verdict)
    assert (found["C8"][0].verdict, verdict) != ("reproduced", "reproduced")


def answer(*parts: Measurement, is_primary: bool = False) -> Answer:
    return Answer("C10", "stories", "paper", None, True, list(parts), is_primary)


@pytest.mark.parametrize("failing", ["contradicted", "no effect"])
def test_the_part_that_fails_a_claim_has_its_level_divided(failing: Verdict) -> None:
    held = [replace(GAM_FIRST, what=f"x{at}", level=0.04) for at in range(2)]
    fails = replace(GAM_FIRST, verdict=failing, level=0.05 / 3)
    assert answer(*held).verdict == "reproduced"  # that all hold needs no correction
    assert answer(*held, fails).verdict == failing
    unsure = answer(*held, replace(fails, level=math.nextafter(0.05 / 3, 1)))
    assert (unsure.verdict, unsure.uncorrected) == ("inconclusive", failing)
    assert answer(*held, replace(fails, level=0.04, tests=6), is_primary=True).verdict == failing
    beside = replace(fails, is_part=False)
    assert answer(*held, beside).verdict == "reproduced"
    reach = Measurement("how far GAM sees", "contradicted", Reach(5, 5, 5), n=5)
    assert answer(*held, reach).verdict == "contradicted"  # not by chance
