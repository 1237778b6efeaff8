"""Learning rates tried on a tiny case."""

import json
from collections.abc import Callable

import pytest

from pipeline import tune as stage
from pipeline.artifacts.records import Trial, TuningResult
from pipeline.artifacts.settings import read_tuning
from pipeline.base import paths
from pipeline.params.protocols import Tuning
from pipeline.params.schema import load_params
from pipeline.train import main as train
from pipeline.training import running
from pipeline.training.protocol import NotFiniteError
from pipeline.tune import beyond_the_edge
from pipeline.tune import main as tune
from tests.conftest import Workspace

MODEL = ("--dataset", "stories", "--model", "gam")
GRID = Tuning(learning_rates=[0.1, 0.2, 0.4], seed=100, share=0.5, extensions=2)


@pytest.fixture
def small(tokenised: Workspace) -> Workspace:
    tokenised.edit(
        {
            "families": {"paper": {"protocol": "small"}},
            "protocols": {"small": {"batch_size": 16, "warmup_steps": 2}},
            "tuning": {"learning_rates": [0.001, 0.01], "share": 0.5, "extensions": 1},
        }
    )
    return tokenised


def result() -> TuningResult:
    found = read_tuning(load_params(), "stories", "gam")
    assert found is not None
    return found


def test_the_best_rate_is_trained_with(small: Workspace) -> None:
    small.call(tune, *MODEL)
    trials = result().trials
    losses = {trial.learning_rate: trial.validation_loss or 0.0 for trial in trials}
    assert len(set(losses.values())) == 5
    rates = [trial.learning_rate for trial in trials]
    on_grid = [rate for rate in rates if any(rate == pytest.approx(10.0**at) for at in (-3, -2, -1))]
    between = sorted(set(rates) - set(on_grid))
    assert len(on_grid) == 3, "the highest won, so the grid went on by its factor"
    assert len(between) == 2
    best_on_grid = min(on_grid, key=lambda rate: losses[rate])
    assert between == pytest.approx([best_on_grid / 10**0.5, best_on_grid * 10**0.5])
    assert result().best.learning_rate == min(losses, key=lambda rate: losses[rate])
    assert {trial.steps for trial in trials} == {15}, "half of 29 steps"
    assert not paths.work("stories", "gam", 100).exists()
    small.call(train, *MODEL, "--seed", "0")
    curve = json.loads(paths.curve("stories", "gam", 0).read_text())
    assert curve["train"]["learning_rate"] == result().best.learning_rate
    assert curve["train"]["epochs"] == len(curve["epochs"]) == 1


def test_killed_between_and_within_trials_the_result_is_the_same(
    small: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.call(tune, *MODEL)
    whole = paths.tuning("stories", "gam").read_bytes()
    paths.tuning("stories", "gam").unlink()
    monkeypatch.setattr(running, "SAVE_EVERY", 0.0)
    step = running.Progress.step
    made = 0

    def until_killed(progress: running.Progress, *given: object) -> None:
        nonlocal made
        made += 1
        if made in (7, 20):
            raise KeyboardInterrupt
        step(progress, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(running.Progress, "step", until_killed)
    for _ in range(2):
        with pytest.raises(SystemExit):
            small.call(tune, *MODEL)
        assert not paths.tuning("stories", "gam").exists()
    small.call(tune, *MODEL)
    assert paths.tuning("stories", "gam").read_bytes() == whole
    assert made < 5 * 15 + 4, "what was saved is not made again"


def test_a_rate_that_is_too_large_is_recorded_as_that(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stage.run_to_end

    def diverges(name: str, *given: object) -> object:
        if name.endswith(" at 0.01"):
            raise NotFiniteError("the loss is nan in step 1", 1, 1)
        return run(name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "run_to_end", diverges)
    small.call(tune, *MODEL)
    assert [trial.learning_rate for trial in result().trials if trial.validation_loss is None] == [0.01]
    assert result().trials[0].learning_rate < 0.001, "the grid went on from its lowest"


@pytest.mark.parametrize(
    ("losses", "further"),
    [
        ([3.0, 2.0, 2.5], None),
        ([2.0, 2.5, 3.0], 0.05),
        ([3.0, 2.5, 2.0], 0.8),
        ([3.0, 2.5, None], None),
        ([3.0, 2.9, 2.8, 2.7, 2.6], None),
    ],
)
def test_the_grid_goes_on_where_an_edge_wins(losses: list[float | None], further: float | None) -> None:
    trials = [Trial(learning_rate=0.1 * 2**at, steps=1, validation_loss=loss) for at, loss in enumerate(losses)]
    assert beyond_the_edge(trials, GRID) == (None if further is None else pytest.approx(further))


def test_what_is_not_tuned_is_refused(refusal: Callable[..., str]) -> None:
    assert "no family tunes gam on stories: give it a protocol" in refusal(tune, *MODEL)
