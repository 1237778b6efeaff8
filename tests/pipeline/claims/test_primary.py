"""A family whose primary tests were named beforehand, with the two controls: its claims from made-up results."""

import pytest

from pipeline.claims.answers import Answer, answers
from pipeline.claims.measurements import Measurement
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up import write_ngrams, write_run

SEEDS = [0, 1, 2, 3, 4]
ROLES = {
    "gam": {},
    "transformer": {},
    "mamba": {},
    "mamba-residual": {"residual": True},
    "gam-sum-fusion": {"gate": False},
    "gam-sum-fusion-wide": {"gate": False, "ffn_width": 128},
    "gam-global-only": {"gate": False, "local": False},
    "gam-local-only": {"gate": False, "memory": False},
}
AS_CLAIMED = dict(zip(ROLES, [3.0, 3.2, 3.6, 3.4, 3.2, 3.2, 3.2, 3.4], strict=True))


@pytest.fixture
def small(workspace: Workspace) -> Workspace:
    base = read_yaml(workspace.folder / "params.yaml")
    models = {f"{name}-small": base["models"][name.split("-")[0]] | change for name, change in ROLES.items()}
    family = {"datasets": ["less"], "models": list(models), "seeds": SEEDS, "primary": ["C3", "C7", "C8", "C9"]}
    text = base["datasets"]["stories"] | {"vocab_size": 140}
    workspace.edit({"families": {"small": family}, "datasets": {"less": text}, "models": models})
    workspace.edit({"train": {"epochs": 1}})
    write_ngrams(6.0, 4.0, dataset="less")
    return workspace


def write(model: str, loss: float, apart: float = 0.0) -> None:
    """One run a seed, around `loss`; `apart`: how far one seed is from the next."""
    for seed in SEEDS:
        write_run(f"{model}-small", seed, [loss + 0.01 * seed + apart * (seed - 2)], dataset="less")


def found() -> dict[str, Answer]:
    return {answer.claim: answer for answer in answers(load_params()) if answer.family == "small"}


def parts(claim: str) -> dict[str, Measurement]:
    return {each.what: each for each in found()[claim].measurements}


@pytest.mark.usefixtures("small")
def test_six_tests_are_primary() -> None:
    for model, loss in AS_CLAIMED.items():
        write(model, loss, 0.001)
    primary = {
        (claim, each.what) for claim, answer in found().items() for each in answer.measurements if each.tests
        and not each.answered_by
    }  # fmt: skip
    assert primary == {
        ("C3", "Transformer − GAM"),
        ("C3", "Mamba (residual) − Transformer"),
        ("C7", "Sum Fusion − GAM"),
        ("C7", "Sum Fusion, wide FFN − GAM"),
        ("C8", "Local Only − Global Only"),
        ("C9", "Global Only − GAM"),
    }
    assert {each.tests for answer in found().values() for each in answer.measurements} == {0, 6}
    assert {claim: answer.verdict for claim, answer in found().items() if claim not in ("C8", "C11")} == dict.fromkeys(
        ("C3", "C7", "C9", "C10", "C12"), "reproduced"
    )
    assert [found()[claim].is_primary for claim in ("C3", "C10")] == [True, False]


@pytest.mark.usefixtures("small")
def test_the_published_mamba_stands_beside_the_one_with_residual() -> None:
    for model, loss in AS_CLAIMED.items():
        write(model, loss, 0.001)
    write("mamba", 3.1, 0.001)  # better than the Transformer: the claim does not rest on it
    published = parts("C3")["Mamba − Transformer"]
    assert (published.is_part, published.tests, published.verdict) == (False, 0, "contradicted")
    assert found()["C3"].verdict == "reproduced"
    assert list(parts("C12")) == ["Transformer − GAM", "Mamba (residual) − GAM", "Mamba − GAM"]
    assert [each.is_part for each in parts("C12").values()] == [True, True, False]
    assert parts("C12")["Transformer − GAM"].answered_by == "C3"


@pytest.mark.usefixtures("small")
def test_the_widened_control_decides_too() -> None:
    for model, loss in AS_CLAIMED.items():
        write(model, loss, 0.001)
    write("gam-sum-fusion-wide", 3.0, 0.0015)
    assert [each.verdict for each in parts("C7").values()] == ["reproduced", "no effect"]
    assert found()["C7"].verdict == "no effect"


@pytest.mark.usefixtures("small")
def test_what_one_test_would_find_alone_is_lost_among_six() -> None:
    """GAM is better than Sum Fusion by 0.05, with a standard error of 0.01: t = 4 against the margin.

    p = 0.0161 by a printed table, two-sided, 4 degrees of freedom: between 0.05 / 6 and 0.05 / 2.
    """
    for model in ROLES:
        write(model, 3.0, 0.02 * (1 + len(model)))  # far too noisy to tell
    write("gam", 3.0)
    write("gam-sum-fusion", 3.05, 0.01 * 5**0.5 / 2.5**0.5)
    test = parts("C7")["Sum Fusion − GAM"]
    assert test.level == pytest.approx(0.0161, abs=5e-5)
    assert (test.verdict, test.uncorrected, test.tests) == ("inconclusive", "reproduced", 6)
    for model, loss in AS_CLAIMED.items():
        if model not in ("gam", "gam-sum-fusion", "gam-sum-fusion-wide"):
            write(model, loss, 0.001)
    assert parts("C7")["Sum Fusion − GAM"].verdict == "reproduced"  # four others decide: it is compared with 0.05 / 2


@pytest.mark.usefixtures("small")
def test_a_family_without_context_has_no_valid_primary_test_on_it() -> None:
    for model, loss in AS_CLAIMED.items():
        write(model, loss + 1.5, 0.001)
    assert {found()[claim].verdict for claim in ("C7", "C9", "C10")} == {"no valid test"}
    assert found()["C3"].verdict == "reproduced"
