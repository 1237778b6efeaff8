"""The section recall of params.yaml: the one that ships fits, and mistakes are named in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from gam import LanguageModel
from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.pipeline.conftest import RECALL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"training": {"learning_rates": [0.1]}},
            "recall.training.learning_rates has one value only: name at least two",
        ),
        ({"training": {"learning_rates": [0.1, 0.1]}}, "recall.training.learning_rates has one value only"),
        ({"training": {"learning_rates": [0.1, 0.2, 0.1]}}, "recall.training.learning_rates names a value twice"),
        ({"training": {"seeds": []}}, "recall.training.seeds is empty: name at least one"),
        ({"training": {"seeds": [1, 1]}}, "recall.training.seeds names a seed twice"),
        ({"training": {"tuning_seed": 2}}, "recall.training.tuning_seed 2 is one of seeds: take another"),
        ({"training": {"stop_at": 1.5}}, "recall.training.stop_at: input should be less than or equal to 1, got 1.5"),
        ({"models": ["gam", "gma"]}, "recall.models names 'gma', which models does not have (did you mean 'gam'?)"),
        ({"facts_models": ["gam", "gam"]}, "recall.facts_models names 'gam' twice"),
        (
            {"copying": {"distances": [1, 25]}},
            "recall.copying has sequences of 33 tokens, and models.gam.block_size is 32: shorten them",
        ),
        ({"associative": {"lengths": [33], "tuned": [33]}}, "recall.associative has sequences of 33 tokens"),
        (
            {"associative": {"pairs": [8], "keys": 9}},
            "recall.associative.pairs: 8 pairs and a question do not fit in 16 tokens: at most 7 do",
        ),
        (
            {"associative": {"pairs": [6]}},
            "recall.associative.pairs: 6 different keys are needed, and keys is 5",
        ),
        ({"associative": {"pairs": [3, 4]}}, "recall.associative.pairs must have one number for each of lengths"),
        ({"copying": {"distances": []}}, "recall.copying.distances: list should have at least 1 item"),
        ({"copying": {"distances": [2, 1]}}, "recall.copying.distances must rise, without one twice"),
        ({"copying": {"tuned": [1, 3]}}, "recall.copying.tuned names 3, which is not in distances"),
        ({"facts": {"tuned": [40]}}, "recall.facts.tuned must name 20, the first of pairs"),
        ({"facts": {"size": 1}}, "recall.facts.size is not a known key"),
    ],
)
def test_mistakes(workspace: Workspace, refusal: Callable[..., str], change: dict[str, Any], message: str) -> None:
    workspace.edit({"recall": RECALL})
    workspace.call(check)
    workspace.edit({"recall": change})
    assert message in refusal(check)


def test_nothing_is_trained_without_models(workspace: Workspace) -> None:
    """Then no task is too long for anyone."""
    workspace.edit({"recall": {"models": [], "facts_models": []}})
    workspace.call(check)


def test_the_two_that_hold_facts_are_of_one_size() -> None:
    params = load_params(HOUSE / "params.yaml")
    models = [LanguageModel(params.models[name].config(50)) for name in params.recall.facts_models]
    one, other = (model.n_parameters() for model in models)
    assert one == pytest.approx(other, rel=1e-3)


def test_all_models_recall_under_the_same_conditions() -> None:
    params = load_params(HOUSE / "params.yaml")
    entries = [params.models[name] for name in (*params.recall.models, *params.recall.facts_models)]
    assert len({(e.d_model, e.block_size, e.dropout, e.init, e.init_std, e.precision) for e in entries}) == 1
    assert {entry.learning_rate for entry in entries} == {None}
