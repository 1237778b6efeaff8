"""The page of findings, from made-up results."""

import re

import pytest

from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.report.findings import TEXTS, findings, findings_markdown
from pipeline.report.notes import terms
from pipeline.report.published import load_published
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_recall, write_run
from tests.pipeline.conftest import RECALL, SEEDS, growing, write_losses, write_reduced

LAST = "What only a GPU, the raw text or more runs can tell"


def page() -> dict[str, str]:
    """The sections by the claim, or the word, that they begin with."""
    params = load_params()
    text = findings_markdown(findings(params, load_published(), answers(params)), terms(params))
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {re.split(r":|\n", section)[0]: section for section in sections}


def test_every_claim_has_its_texts() -> None:
    """C2 is C1 on another text: a step takes as long on every text."""
    published = load_published()
    told = read_yaml(TEXTS)["claims"]
    assert {each["claim"] for each in told} == set(published.claims) - {"C2"}
    for each in read_yaml(TEXTS)["beside"]:
        assert each.keys() == {"about", "compares", "question", "reproduced", "contradicted", "no effect", "mind"}
    for each in told:
        needed = {"claim", "question", "reproduced", "contradicted", "no effect", "mind"}
        others = {
            "reproduced, 2 parts",
            "contradicted, grows by less",
            "contradicted, time per doubling (grows by less)",
            "contradicted, Mamba (residual) − Transformer",
            "contradicted, Mamba (residual) − GAM, epoch 1",
            "contradicted, Local Only − Global Only",
            "no effect, vs fused Transformer, vs Mamba",
        }
        assert needed <= each.keys() <= needed | others


@pytest.mark.parametrize(("power", "sentence"), [(0.5, "**No, it grows by less."), (1.5, "**No. Twice the length")])
def test_growth_is_told_by_its_side(grid: Workspace, power: float, sentence: str) -> None:
    growing(grid, "gam", power, 8192)
    assert sentence in page()["C5"]


@pytest.mark.usefixtures("reduced")
def test_what_waits_for_runs_tells_what_it_has() -> None:
    """Where another family has the answer, what there is of one that is half there stands beside it."""
    write_losses((20.0, 10.0), gam=4.0, transformer=4.1)
    write_reduced(SEEDS)
    assert re.search(
        r"not run: Mamba − Transformer\.\n- Measured there: loss, Transformer − GAM: \[0\.10\d\d\].* reproduced\.",
        page()["C3"],
    )
    assert "Measured there: loss, Transformer − GAM: reproduced after 2 of 2 epochs." in page()["C12"]
    for seed in SEEDS[:2]:
        write_run("mamba", seed, [4.0, 4.3 + seed])
    assert re.search(
        r"Measured there: loss, Mamba − Transformer: \[0\.\d+\]\(.*\) nats \(no interval\); 2 seeds, 2 as claimed; not",
        page()["C3"],
    )


@pytest.mark.usefixtures("reduced")
def test_what_cannot_be_told_elsewhere_is_shown() -> None:
    write_losses((20.0, 10.0), gam=4.0, transformer=4.1, mamba=4.2)
    write_reduced(SEEDS)
    for seed in SEEDS:
        write_run("transformer-reduced", seed, [5.0 + seed + (-1) ** seed * 0.05], dataset="less")
    for claim in ("C3", "C12"):
        assert re.search(
            r"Elsewhere: less.*: inconclusive; .*\n- Measured there: loss, Transformer − GAM.*; inconclusive\.",
            page()[claim],
        )


@pytest.mark.usefixtures("reduced")
def test_a_claim_is_not_told_further_than_it_was_tested() -> None:
    """`less` has no Mamba: that GAM is ahead of the Transformer says nothing of it."""
    write_reduced(SEEDS)
    told = page()["C3"]
    assert "**Yes, as far as it was tested. Not tested: Mamba.**" in told
    assert "reproduced; not tested here: Mamba" in told


@pytest.mark.parametrize("control", [False, True])
def test_the_gate_is_told_with_its_control_where_that_ran(grid: Workspace, control: bool) -> None:
    """A Sum Fusion with a wider feed-forward network, which not every family has."""
    losses = {"gam": 4.0, "gam_sum_fusion": 4.1}
    if control:
        values = read_yaml(grid.folder / "params.yaml")
        wide = {"gam-wide": values["models"]["gam-sum-fusion"] | {"ffn_width": 72}}
        models = [*values["families"]["paper"]["others"]["models"], "gam-wide"]
        grid.edit({"models": wide, "families": {"paper": {"others": {"models": models}}}})
        losses["gam_wide"] = 4.2
    write_losses((20.0, 10.0), **losses)
    told = "and better than one whose feed-forward network has the gate's parameters instead.**"
    assert (told in page()["C7"]) is control
    assert "**Yes. GAM predicts better than the same model without its gate" in page()["C7"]


@pytest.mark.usefixtures("grid")
def test_each_verdict_has_its_sentence() -> None:
    write_losses((20.0, 10.0), gam=4.0, transformer=4.1, mamba=4.2, gam_sum_fusion=4.0, gam_global_only=3.9)
    found = page()
    assert "**Yes. GAM predicts best, then the Transformer, then Mamba.**" in found["C3"]
    assert "**No. Without its gate, or with its parameters elsewhere, GAM predicts as well.**" in found["C7"]
    assert "**No. The memory alone, without convolution and gate, predicts better than GAM.**" in found["C9"]
    assert re.search(
        r"Measured: loss, Global Only − GAM: \[-0\.09\d\d\]\(\.\./results/curves/stories\) \[", found["C9"]
    )
    write_losses((20.0, 3.0), gam=4.0)
    untested = page()
    assert "C9" not in untested
    assert "- C9: Does GAM need its convolution? No run could tell" in untested[LAST]


def test_what_was_compared_beside_a_claim(grid: Workspace) -> None:
    """It is told where both models are in the family and have run, and the claim does not rest on it."""
    assert not {"Memory", "Written memory"} & page().keys()
    gam, attention = (read_yaml(grid.folder / "params.yaml")["models"][name] for name in ("gam", "transformer"))
    shared = {key: attention[key] for key in ("block_size", "d_model", "n_layer", "dropout", "n_head", "precision")}
    models = {
        "ffn": gam | {"gate": False, "local": False, "memory": False},
        "slots": shared | {"block": "gated_slots", "n_slot": 4, "compile": False},
    }
    others = ["gam-sum-fusion", "gam-global-only", "gam-local-only", *models]
    grid.edit({"models": models, "families": {"paper": {"others": {"models": others}}}})
    write_losses((20.0, 10.0), gam=4.0, gam_global_only=4.3, gam_local_only=4.1, ffn=4.2)
    found = page()
    assert "**No. The feed-forward network alone predicts better, with fewer parameters.**" in found["Memory"]
    assert re.search(r"FFN alone − Global Only: \[-0\.\d{4}\]\(.*; secondary, beside the claim; contr", found["Memory"])
    assert "Written memory" not in found
    write_losses(None, slots=3.9)
    assert "**Yes. Gated slots, a memory that depends" in page()["Written memory"]
    (answer,) = (each for each in answers(load_params()) if each.claim == "C8" and each.dataset)
    assert [each.what for each in answer.beside] == ["FFN alone − Global Only", "GAM − Gated slots"]
    assert not any(each in answer.parts for each in answer.beside)


OUT = "what is out of their reach"
PART = (
    "Part of this has no verdict. Where a line says “no valid test”, a condition did not hold, such as that the "
    "Transformer succeeds."
)


@pytest.mark.parametrize(
    ("far", "other", "transformer", "sentence"),
    [
        (0.25, 0.25, 1.0, f"No. About {OUT} it answers as a guess does, while a Transformer recalls it all."),
        (0.9, 0.9, 1.0, f"Yes. It answers more than guesses do about {OUT}."),
        (0.9, 0.25, 0.5, f"Yes. It answers more than guesses do about {OUT}. {PART}"),
        (0.25, 0.9, 1.0, "It depends on the task, or on the number of layers."),
    ],
)
def test_recall_is_told_where_it_was_run(
    workspace: Workspace, far: float, other: float, transformer: float, sentence: str
) -> None:
    """In copying, and in another task in which the Transformer may fail. The convolutions of the tiny GAM see five
    tokens, and a guess is right in a quarter of cases."""
    workspace.edit({"recall": RECALL})
    assert "Recall" not in page()
    for model, accuracies in {
        "gam": {1: 1.0, 2: 1.0, 5: 0.25, 6: far},
        "transformer": dict.fromkeys((1, 2, 5, 6), 1.0),
    }.items():
        write_recall("copying", model, {at: {at: accuracy} for at, accuracy in accuracies.items()})
    write_recall("associative", "gam", {16: {1: 1.0, 9: other}})
    write_recall("associative", "transformer", {16: {1: transformer, 9: transformer}})
    assert f"{sentence}**" in page()["Recall"]


def test_recall_that_tests_nothing(workspace: Workspace) -> None:
    workspace.edit({"recall": RECALL})
    for model in ("gam", "transformer"):
        write_recall("copying", model, {at: {at: 0.25} for at in (1, 2, 5, 6)})
    assert "**It could not be tested.**" in page()["Recall"]


def test_facts_are_told_with_their_difference(workspace: Workspace) -> None:
    workspace.edit({"recall": RECALL, "models": {"gam-sum-fusion": {"local": False, "memory": False, "ffn_width": 72}}})
    write_recall("facts", "gam", {20: {0: 1.0}, 40: {0: 0.75}})
    write_recall("facts", "gam-sum-fusion", {20: {0: 1.0}, 40: {0: 0.5}})
    told = page()["Facts"]
    assert "**Where they differ most, at 40 facts, GAM knows more of them.**" in told
    assert "GAM 0.750, the wider network 0.500 right; GAM − network 0.2500 [0.2500, 0.2500], 3 seeds." in told
    assert "so they have no verdict" in told


def test_the_stage_writes_it(workspace: Workspace) -> None:
    workspace.call(tables)
    assert paths.FINDINGS.read_text().startswith("# Findings\n")
