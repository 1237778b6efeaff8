"""No verdict without a valid test: models that learned too little, and those that learned just enough."""

import pytest

from pipeline.claims.answers import Answer, answers
from pipeline.claims.assay import context_is_used
from pipeline.claims.comparisons import ComparedRuns
from pipeline.claims.measurements import Assay
from pipeline.claims.verdicts import Verdict
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up import write_ngrams, write_run
from tests.pipeline.conftest import SEEDS, write_losses

ORDER, PARTS = ("C3", "C12"), ("C7", "C9", "C10")
ROLES = ("gam", "transformer", "mamba", "gam_global_only", "gam_sum_fusion", "gam_local_only")


def found() -> dict[str, Answer]:
    return {answer.claim: answer for answer in answers(load_params()) if answer.dataset}


def verdicts(*claims: str) -> set[Verdict]:
    return {found()[claim].verdict for claim in claims}


@pytest.mark.usefixtures("grid")
def test_untrained_models_get_no_verdict() -> None:
    """All of them at the unigram count, at their best, and as clearly apart as it takes."""
    write_losses((6.5, 4.0), **{role: 5.0 + 0.02 * at for at, role in enumerate(ROLES)})
    assert verdicts(*ORDER, *PARTS) == {"no valid test"}
    (gate,) = {each.assay for each in found()["C7"].measurements}
    assert gate == Assay("gam", pytest.approx(6.5), "bigram", 4.0, is_met=False)


@pytest.mark.parametrize(("bigram", "is_valid"), [(6.56, True), (6.54, False)])
@pytest.mark.usefixtures("grid")
def test_just_below_the_bigram_count(bigram: float, is_valid: bool) -> None:
    """The best GAM's mean is 6.5. What the others are at does not matter: it was shown that context can be used."""
    write_losses((20.0, bigram), gam=5.0, gam_global_only=6.0, gam_sum_fusion=6.1, gam_local_only=6.2)
    assert verdicts(*PARTS) == ({"reproduced"} if is_valid else {"no valid test"})


@pytest.mark.parametrize(("unigram", "verdict"), [(9.16, "reproduced"), (9.14, "no valid test")])
@pytest.mark.usefixtures("grid")
def test_each_of_the_compared_models_is_to_know_more_than_frequencies(unigram: float, verdict: Verdict) -> None:
    """GAM is far below; the Transformer, whose mean is 9.1, is just below, or not by enough."""
    write_losses((unigram, 1.0), gam=5.0, transformer=7.0998, mamba=9.0)
    parts = {each.what: each for each in found()["C3"].measurements}
    assert parts["Transformer − GAM"].verdict == verdict
    assert parts["Transformer − GAM"].assay == Assay(
        "transformer", pytest.approx(9.1), "unigram", unigram, is_met=verdict == "reproduced"
    )
    assert parts["Mamba − Transformer"].verdict == "no valid test"  # Mamba's mean is 11
    assert found()["C3"].verdict == "no valid test"


@pytest.mark.usefixtures("grid")
def test_a_part_that_was_tested_contradicts_the_whole_claim() -> None:
    write_losses((9.0, 1.0), gam=5.5, transformer=5.0, mamba=9.0)
    assert [each.verdict for each in found()["C3"].measurements] == ["contradicted", "no valid test"]
    assert found()["C3"].verdict == "contradicted"


@pytest.mark.usefixtures("grid")
def test_it_is_the_losses_that_are_compared_that_count() -> None:
    """C12 after its first epoch, where models know less; C7 at the best epoch, which here is the first."""
    write_ngrams(7.3, 6.8)
    for model, first in (("gam", 7.4), ("transformer", 7.5), ("mamba", 7.6)):
        for seed in SEEDS:
            write_run(model, seed, [first + seed / 1000, first - 0.3])
    parts = {each.at: each.verdict for each in found()["C12"].measurements if "Transformer" in each.what}
    assert parts == {"epoch 1": "no valid test", "epoch 2": "reproduced"}
    for model, best in (("gam", 6.7), ("gam-sum-fusion", 6.9)):
        for seed in SEEDS:
            write_run(model, seed, [best + seed / 1000, 8.0])
    assert verdicts("C7") == {"reproduced"}


@pytest.mark.usefixtures("grid")
def test_text_that_was_not_counted_gives_no_verdict() -> None:
    write_losses(None, gam=5.0, transformer=5.1, mamba=5.2, gam_sum_fusion=5.1)
    assert verdicts("C3", "C7", "C12") == {"not run"}
    assert {each.remark for each in found()["C3"].measurements} == {"its tokens were not counted"}


def test_a_model_that_still_runs_makes_no_test_valid(grid: Workspace) -> None:
    """So a verdict never changes by what runs later, but for the better: no valid test may become one."""
    write_losses((20.0, 7.0), gam=6.0, gam_sum_fusion=6.1, gam_local_only=4.0)
    runs = ComparedRuns(load_params(), "stories", "paper")
    assert context_is_used(runs, "best") == Assay("local_only", pytest.approx(5.5004), "bigram", 7.0, is_met=True)
    grid.edit({"families": {"paper": {"seeds": [*SEEDS, 9], "others": {"seeds": [*SEEDS, 9]}}}})
    for model, loss in (("gam", 8.0), ("gam-sum-fusion", 8.1)):
        write_run(model, 9, [loss, loss])
    late = ComparedRuns(load_params(), "stories", "paper")
    gate = context_is_used(late, "best")
    assert gate is not None
    assert (gate.role, gate.is_met) == ("gam", False)


def test_a_corpus_whose_entropy_is_known(grid: Workspace) -> None:
    """Half of its tokens follow from the one before, half from the one before that: counts of pairs cannot know both.

    Losses in nats of 16 equally frequent symbols: a model of one token of context is right on half of them, one of two
    tokens on all. So what sees two tokens lies below the bigram count, and what sees one lies on it, at best.
    """
    from math import log

    unigram, bigram, trigram = log(16), log(16) / 2, 0.01
    grid.edit({"train": {"epochs": 1}})
    write_ngrams(unigram, bigram)
    knows = {"gam": trigram, "gam-sum-fusion": trigram, "gam-local-only": trigram, "gam-global-only": bigram}
    for model, loss in knows.items():
        for seed in SEEDS:
            write_run(model, seed, [loss + 0.0001 * seed])
    assert verdicts("C9") == {"reproduced"}
    assert verdicts("C7") == {"no effect"}
    parts = {each.what: each.verdict for each in found()["C8"].measurements}
    assert parts["Local Only − Global Only"] == parts["Global Only − GAM (no difference)"] == "contradicted"
    for model in knows:
        for seed in SEEDS:
            write_run(model, seed, [bigram + 0.0001 * seed])  # none sees further than one token
    assert verdicts("C7", "C9", "C10") == {"no valid test"}
