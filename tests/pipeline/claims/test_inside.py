"""What GAM's gates prefer, and how far it sees."""

import pytest

from pipeline.artifacts.records import LayerGates
from pipeline.claims.answers import Answer, answers
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Reach
from pipeline.claims.verdicts import Verdict
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up import run_fields, write_metrics
from tests.pipeline.conftest import FAR_ABOVE, SEEDS, write_losses


def answer(claim: str) -> Answer:
    return next(each for each in answers(load_params()) if each.claim == claim)


def write_gates(*layers: float) -> None:
    """How far each layer prefers the local path at function words; a seed adds or takes a thousandth."""
    for seed in SEEDS:
        gates = [LayerGates(function_words=0.3 + layer + (seed - 2) / 1000, content_words=0.3) for layer in layers]
        write_metrics(run_fields("gam", seed), gates=gates)


@pytest.mark.parametrize(
    ("layers", "verdict"),
    [
        ((0.2, 0.2), "reproduced"),
        ((0.5, -0.3), "reproduced"),  # the mean over layers is judged, not each of them
        ((0.002, 0.002), "no effect"),
        ((0.2, -0.2), "no effect"),
        ((-0.1, 0.02), "contradicted"),
        ((0.01, 0.01), "inconclusive"),
    ],
)
@pytest.mark.usefixtures("grid")
def test_gates_are_judged_by_the_mean_over_layers(layers: tuple[float, float], verdict: Verdict) -> None:
    write_losses(gam=5.0)
    write_gates(*layers)
    found = answer("C11")
    assert found.verdict == verdict
    mean, *each = found.measurements
    assert isinstance(mean.value, Estimate)
    assert mean.value.mean == pytest.approx(sum(layers) / 2)
    assert [layer.at for layer in each] == ["layer 1", "layer 2"]
    for layer, middle in zip(each, layers, strict=True):
        assert isinstance(layer.value, Estimate)
        assert (layer.value.mean, layer.verdict) == (pytest.approx(middle), "not judged")


@pytest.mark.usefixtures("grid")
def test_gates_of_a_model_that_uses_no_context_say_nothing() -> None:
    write_losses(counts=(20.0, 7.04), gam=5.0)  # GAM's mean is 7: 0.04 below the bigram count
    write_gates(0.2, 0.2)
    assert answer("C11").verdict == "no valid test"
    write_losses(counts=(20.0, 7.06), gam=5.0)
    write_gates(0.2, 0.2)
    assert answer("C11").verdict == "reproduced"


@pytest.mark.parametrize(("tokens", "verdict"), [(5, "contradicted"), (6, "reproduced"), (32, "reproduced")])
@pytest.mark.parametrize("counts", [FAR_ABOVE, (1.0, 1.0), None])
@pytest.mark.parametrize("seeds", [1, 5])
def test_a_model_that_sees_so_many_tokens(
    grid: Workspace, tokens: int, verdict: Verdict, counts: tuple[float, float] | None, seeds: int
) -> None:
    """Its convolutions alone carry 5. A property: whatever was learned, and however few the seeds are."""
    grid.edit({"families": {"paper": {"seeds": SEEDS[:seeds], "models": ["gam"], "others": {"models": []}}}})
    write_losses(counts, gam=5.0)
    for seed in SEEDS:
        write_metrics(run_fields("gam", seed), reach_by_gradient=tokens, reach_by_change=4)
    found = answer("C8")
    assert found.verdict == verdict
    assert found.measured[0].value == Reach(tokens, tokens, 5)
    grid.edit({"families": {"paper": {"seeds": [*SEEDS[:seeds], 7]}}})
    assert answer("C8").verdict == "not run"
