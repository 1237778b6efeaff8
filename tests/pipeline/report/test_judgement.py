"""How verdicts read: in bold where something was found out, with their reason and with what they leave out."""

from dataclasses import replace

import pytest

from pipeline.claims.answers import Answer
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Assay, Measurement, Reach, not_judged, not_run
from pipeline.claims.verdicts import Verdict
from pipeline.report.judgement import verdict_text
from pipeline.report.wording import plain

LOSS = Measurement("Sum Fusion − GAM", "reproduced", Estimate(0.05, 0.02, 0.08, 5), "nats", 5, level=0.001)
INVALID = replace(LOSS, verdict="no valid test", assay=Assay("gam", 5.82391, "bigram", 4.87634, False))
REACH = Measurement("how far GAM sees", "contradicted", Reach(5, 5, 5), n=5)
TIME = Measurement("vs Transformer", "reproduced", Estimate(0.122, 0.111, 0.133, 15), "share of time", 15, "rounds")


def said(*measurements: Measurement, is_primary: bool = False) -> str:
    return plain(verdict_text(Answer("C7", "stories", "paper", None, True, list(measurements), is_primary)))


@pytest.mark.parametrize(
    ("verdict", "is_bold"),
    [("reproduced", True), ("contradicted", True), ("no effect", True), ("inconclusive", False), ("not run", False)],
)
def test_bold_is_what_was_found_out(verdict: Verdict, is_bold: bool) -> None:
    text = verdict_text(Answer("C7", "stories", "paper", None, True, [replace(LOSS, verdict=verdict)]))
    assert [span.text for span in text if span.bold] == ([verdict] if is_bold else [])
    assert not any(span.bold for span in verdict_text(Answer("C7", "stories", "paper", None, True, [INVALID])))


def test_the_kind_of_test() -> None:
    assert said(LOSS) == "reproduced; secondary"
    assert said(replace(LOSS, tests=6), is_primary=True) == "reproduced; primary"
    assert said(REACH) == "contradicted"  # a property is no test
    assert said(TIME) == "reproduced"


def test_no_valid_test_says_how_far_training_came() -> None:
    assert said(INVALID) == "no valid test: GAM's loss 5.8239, a bigram count's 4.8763"
    assert said(LOSS, INVALID) == "no valid test: GAM's loss 5.8239, a bigram count's 4.8763"


def test_one_part_that_decides_is_named() -> None:
    assert said(INVALID, INVALID, REACH) == "contradicted: how far GAM sees; no valid test of 2 parts"
    against = replace(LOSS, what="Mamba − GAM", verdict="contradicted", at="epoch 1")
    assert said(LOSS, against) == "contradicted: Mamba − GAM, epoch 1; secondary"
    many = [replace(against, at=f"epoch {at}") for at in range(1, 4)]
    assert said(LOSS, *many) == "contradicted: 3 of 4 parts; secondary"
    assert said(*many) == "contradicted; secondary"


def test_what_a_correction_changed() -> None:
    assert said(LOSS, replace(LOSS, verdict="no effect", level=0.03)) == (
        "inconclusive; no effect without correction; secondary"
    )
    lost = replace(LOSS, verdict="inconclusive", uncorrected="reproduced", tests=6)
    assert said(lost, is_primary=True) == "inconclusive; reproduced without correction; primary"


def test_what_is_left_out() -> None:
    assert said(LOSS, not_judged("x", ["mamba"])) == "reproduced; not tested here: Mamba; secondary"
    slow = replace(TIME, what="vs Mamba", verdict="not judged", remark="slow")
    assert said(TIME, slow) == "reproduced; not judged: vs Mamba (slow)"
    assert said(not_judged("x", ["mamba", "gam"])) == "not judged: there is no Mamba, GAM"
    layer = replace(LOSS, verdict="not judged", is_part=False)
    assert said(LOSS, layer) == "reproduced; secondary"


def test_what_is_missing() -> None:
    assert said(LOSS, not_run("what fits")) == "not run: what fits"
    assert said(replace(LOSS, verdict="not run")) == "not run: some seeds"
    assert said(replace(LOSS, verdict="not run", remark="its tokens were not counted")) == (
        "not run: its tokens were not counted"
    )
    assert said(not_run("x")) == "not run"
    assert said(replace(LOSS, verdict="inconclusive", n=3)) == "inconclusive: fewer than 5 seeds; secondary"
    assert said(replace(LOSS, verdict="inconclusive")) == "inconclusive; secondary"
