"""How measurements and answers read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.claims.answers import Answer, Size
from pipeline.claims.growth import Doubling, Growth
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Assay, Fit, Machine, Measurement, Reach, not_judged, not_run
from pipeline.report.wording import (
    LONGEST,
    answer_label,
    evidence_text,
    measurement_text,
    plain,
    reproduced_text,
    value_text,
)

LOSS = Measurement(
    "Transformer − GAM", "reproduced", Estimate(0.0533, 0.0223, 0.0843, 5), "nats", 5, won=1.0, source=Path("results/c")
)
TIME = Measurement(
    "vs Transformer", "reproduced", Estimate(0.122, 0.111, 0.133, 15), "share of time", 5, "measurements"
)
DOUBLINGS = (
    Doubling(1024, Estimate(2.85, 2.7, 2.9, 8), predicted=2.5),
    Doubling(2048, Estimate(3.12, 3.12, 3.12, 1), predicted=2.8),
)
GROWN = Measurement("time per doubling", "contradicted", Growth(DOUBLINGS))
BEHIND = replace(LOSS, verdict="contradicted", value=Estimate(-0.05, -0.08, -0.02, 5))


def answer(*measurements: Measurement) -> Answer:
    return Answer("C3", "stories", "paper", Size(16, 2, 32), True, list(measurements))


@pytest.mark.parametrize(
    ("measurement", "text"),
    [
        (LOSS, "0.0533 [0.0223, 0.0843] nats"),
        (replace(LOSS, value=Estimate(-0.00001, None, None, 1)), "0.0000 nats (no interval)"),
        (TIME, "12.2 % [11.1, 13.3]"),
        (GROWN, "x2.85 to x3.12, by arithmetic x2.50 to x2.80"),
        (replace(GROWN, value=Growth(DOUBLINGS[:1])), "x2.85, by arithmetic x2.50"),
        (replace(GROWN, value=Growth((replace(DOUBLINGS[0], predicted=None),))), "x2.85"),
        (Measurement("x", "reproduced", Estimate(0.2, 0.1, 0.3, 3), "gate"), "0.2000 [0.1000, 0.3000]"),
        (Measurement("x", "contradicted", Reach(13, 13, 13)), "13 tokens, its convolutions alone reach 13"),
        (Measurement("x", "reproduced", Reach(14, 16, 13)), "14 to 16 tokens, its convolutions alone reach 13"),
        (Measurement("x", "reproduced", Fit(2048, 8192, True)), "the Transformer 2048, GAM 8192"),
        (Measurement("x", "contradicted", Fit(0, 8192, False)), "the Transformer 0, GAM not 8192"),
        (not_run("x"), "not run"),
        (not_judged("x", ["mamba"]), "–"),
    ],
)
def test_values(measurement: Measurement, text: str) -> None:
    assert plain(value_text(measurement)) == text


def test_a_value_is_linked_to_its_file_once() -> None:
    assert [span.link for span in value_text(LOSS)] == ["results/c", ""]
    text = reproduced_text(answer(LOSS, replace(LOSS, what="Mamba − GAM")))
    assert plain(text) == "Transformer − GAM: 0.0533 [0.0223, 0.0843] nats; Mamba − GAM: 0.0533 [0.0223, 0.0843] nats"
    assert [span.text for span in text if span.link] == ["0.0533"]


def test_many_measurements_are_counted_and_the_weakest_is_shown() -> None:
    epochs = [replace(LOSS, at="epoch 1"), replace(BEHIND, at="epoch 2"), replace(BEHIND, at="epoch 3")]
    assert plain(reproduced_text(answer(*epochs))) == (
        "holds in 1 of 3 epochs; lowest: epoch 2, -0.0500 [-0.0800, -0.0200] nats"
    )
    models = [replace(LOSS, what=f"{name} − GAM", at="epoch 1") for name in ("Transformer", "Mamba")]
    text = plain(reproduced_text(answer(*models, replace(BEHIND, what="Mamba − GAM", at="epoch 2"))))
    assert text == "holds in 2 of 3; lowest: Mamba − GAM, epoch 2, -0.0500 [-0.0800, -0.0200] nats"
    waiting = [replace(each, verdict="not run") for each in epochs]
    assert plain(reproduced_text(answer(*waiting))).startswith("3 epochs measured; lowest: epoch 2, ")
    several = [replace(LOSS, what=f"{name} − Local Only") for name in ("GAM", "Sum Fusion", "Global Only")]
    assert len(plain(reproduced_text(answer(*several)))) <= LONGEST


def test_lines_say_what_was_counted() -> None:
    assert plain(measurement_text(LOSS)) == (
        "loss, Transformer − GAM: 0.0533 [0.0223, 0.0843] nats; 5 seeds, 5 as claimed; secondary; reproduced"
    )
    one = replace(LOSS, n=1, won=0.5)
    assert plain(measurement_text(one)).endswith("; 1 seed, 0.5 as claimed; secondary; reproduced")
    assert plain(measurement_text(replace(TIME, remark="slow"))) == (
        "time of a training step that GAM saves, vs Transformer (slow): 12.2 % [11.1, 13.3]; 5 measurements; reproduced"
    )
    assert plain(measurement_text(not_run("x"))) == "x: not run"
    assert plain(measurement_text(GROWN)) == (
        "time per doubling: x2.85 to x3.12, by arithmetic x2.50 to x2.80; from 1024 tokens x2.85 [2.70, 2.90] (8 "
        "rounds); from 2048 tokens x3.12; contradicted"
    )
    assert plain(measurement_text(replace(not_run("x"), unit="nats"))) == "loss, x: not run"


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"tests": 6}, "5 as claimed; primary; reproduced"),
        (
            {"tests": 6, "verdict": "inconclusive", "uncorrected": "no effect"},
            "; primary; inconclusive (no effect without the correction for 6 tests)",
        ),
        ({"is_part": False}, "; secondary, beside the claim; reproduced"),
        ({"verdict": "not judged"}, "; 5 seeds, 5 as claimed; not judged"),
        ({"verdict": "not run", "remark": "its tokens were not counted"}, "; not run: its tokens were not counted"),
        (
            {"verdict": "no valid test", "assay": Assay("global_only", 6.15984, "bigram", 4.40044, False)},
            "; secondary; no valid test: Global Only's loss 6.1598, a bigram count's 4.4004",
        ),
    ],
)
def test_lines_say_what_kind_of_test_it_was(changes: dict[str, Any], end: str) -> None:
    assert plain(measurement_text(replace(LOSS, **changes))).endswith(end)


def test_a_line_refers_to_the_claim_that_it_was_measured_for() -> None:
    epoch = replace(LOSS, at="epoch 2", answered_by="C3", tests=2, verdict="inconclusive", uncorrected="reproduced")
    assert plain(measurement_text(epoch)) == (
        "loss, Transformer − GAM, epoch 2: as C3; inconclusive (reproduced without the correction for 2 tests)"
    )


def test_evidence_names_text_size_and_count() -> None:
    assert evidence_text(answer(LOSS)) == "stories; d = 16, 2 layers; 5 seeds"
    assert (
        evidence_text(replace(answer(LOSS), family="bfloat16")) == "stories, bfloat16 runs; d = 16, 2 layers; 5 seeds"
    )
    assert evidence_text(answer(not_run("x"))) == "–"
    step = Machine("Device", "cpu", "float32", 16, block_size=32)
    timed = replace(answer(replace(TIME, machine=step)), dataset=None, family=None)
    assert evidence_text(timed) == "d = 16, 2 layers; float32 on Device (cpu); 5 measurements"
    assert answer_label(timed).startswith("any text, 16 x 32 tokens; d = 16, 2 layers, T = ")
    block = replace(GROWN, machine=Machine("Device", "cpu", "float32", 2, d_model=16, memory_batch_size=8))
    measured = replace(answer(block), dataset=None, family=None)
    assert evidence_text(measured) == "one block, d = 16, batch 2 for time, 8 for memory; float32 on Device (cpu)"
