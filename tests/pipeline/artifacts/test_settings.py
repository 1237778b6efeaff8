"""How a run is trained: by the published section, by a protocol with the model's own rate, or with a tuned one."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.artifacts.current import read_curves
from pipeline.artifacts.settings import read_tuning, recorded_settings, settings_of
from pipeline.base import paths
from pipeline.check import main as check
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.train import main as train
from tests.conftest import Workspace
from tests.made_up import write_run, write_tuning

LOSSES = {0.001: 5.0, 0.002: 4.0, 0.004: 4.5}


@pytest.fixture
def small(workspace: Workspace) -> Workspace:
    """The family of the workspace trains by a protocol of its own."""
    workspace.edit({"families": {"paper": {"protocol": "small"}}, "protocols": {"small": {"batch_size": 8}}})
    return workspace


def rate(model: str) -> float | None:
    settings = settings_of(load_params(), "stories", model)
    return settings.learning_rate if settings else None


def test_without_a_protocol_the_published_one_holds(workspace: Workspace) -> None:
    """With the model's own learning rate, where it has one."""
    params = load_params()
    assert settings_of(params, "stories", "gam") == params.train
    assert params.batch_size("stories", "gam") == params.train.batch_size
    assert params.runtime_of("stories", "gam") == params.runtime
    workspace.edit({"models": {"gam": {"learning_rate": 0.5}}})
    assert rate("gam") == 0.5
    settings = settings_of(load_params(), "stories", "gam")
    assert settings is not None
    assert recorded_settings(load_params(), "stories", "gam", settings) == params.train.model_dump()


def test_a_protocol_takes_the_best_of_the_tuned_rates(small: Workspace) -> None:
    params = load_params()
    assert settings_of(params, "stories", "gam") is None
    write_tuning("gam", LOSSES)
    settings, protocol = settings_of(params, "stories", "gam"), params.protocols["small"]
    assert settings is not None
    assert settings.model_dump() == protocol.model_dump(exclude={"threads"}) | {"learning_rate": 0.002}
    assert params.batch_size("stories", "gam") == 8
    assert params.runtime_of("stories", "gam").threads == protocol.threads
    small.edit({"models": {"gam": {"learning_rate": 0.5}}})
    assert rate("gam") == 0.5


@pytest.mark.usefixtures("small")
def test_a_rate_without_a_finite_loss_never_wins() -> None:
    write_tuning("gam", {0.001: 5.0, 0.002: None})
    assert rate("gam") == 0.001


@pytest.mark.parametrize(
    "change",
    [
        {"tuning": {"share": 0.25}},
        {"protocols": {"small": {"epochs": 3}}},
        {"models": {"gam": {"n_slot": 8}}},
        {"datasets": {"stories": {"vocab_size": 151}}},
    ],
)
def test_rates_that_were_found_with_other_parameters_do_not_count(small: Workspace, change: dict[str, Any]) -> None:
    write_tuning("gam", LOSSES)
    small.edit(change)
    assert read_tuning(load_params(), "stories", "gam") is None


@pytest.mark.usefixtures("small")
def test_a_run_counts_with_the_rate_that_is_tuned_now() -> None:
    write_tuning("gam", LOSSES)
    write_run("gam", 0, [4.0])
    assert len(read_curves(load_params(), "stories", "gam")) == 1
    write_tuning("gam", LOSSES | {0.004: 3.0})
    assert read_curves(load_params(), "stories", "gam") == []
    paths.tuning("stories", "gam").unlink()
    assert read_curves(load_params(), "stories", "gam") == []


def test_mistakes(small: Workspace, refusal: Callable[..., str]) -> None:
    as_it_was = read_yaml(paths.PARAMS)
    wrong: dict[str, dict[str, Any]] = {
        "tuning.learning_rates: list should have at least 2 items": {"tuning": {"learning_rates": [0.1]}},
        "tuning.learning_rates must rise, each the same multiple": {"tuning": {"learning_rates": [0.1, 0.2, 0.3]}},
        "tuning.learning_rates must rise": {"tuning": {"learning_rates": [0.2, 0.1]}},
        "families.paper.protocol names 'smal', which protocols does not have (did you mean 'small'?)": {
            "families": {"paper": {"protocol": "smal"}}
        },
        "families.paper.seeds has 0, which tuning.seed keeps for itself": {"tuning": {"seed": 0}},
    }
    for message, change in wrong.items():
        small.write(as_it_was)
        small.edit(change)
        assert message in refusal(check)
    small.write(as_it_was)


def test_training_waits_for_its_rate(tokenised: Workspace, refusal: Callable[..., str]) -> None:
    tokenised.edit({"families": {"paper": {"protocol": "small"}}})
    message = refusal(train, "--dataset", "stories", "--model", "gam", "--seed", "0")
    assert "results/tuning/stories/gam.json is missing or out of date: `python -m pipeline.tune" in message
