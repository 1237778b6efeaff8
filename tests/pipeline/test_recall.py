"""The stage recall: a rate is chosen and each seed trained; killed anywhere it ends with the same bytes."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline import recall as stage
from pipeline.artifacts.recall import AtDistance, RecallResult, TaskRun, read_recall
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.schema import load_params
from pipeline.recall import best_rate, work_key
from pipeline.recall import main as recall
from pipeline.training.on_tasks import TaskState
from tests.conftest import Workspace

NAMES = ("--task", "copying", "--model", "gam")
RESULT = paths.recall("copying", "gam")
TINY: dict[str, Any] = {
    "models": ["gam"],
    "facts_models": ["gam"],
    "training": {"learning_rates": [0.003, 0.02], "seeds": [0, 1], "check_every": 5, "queries": 300, "warmup_steps": 5},
    "associative": {"lengths": [8], "pairs": [2], "tuned": [8]},
    "copying": {"distances": [1, 2, 6], "tuned": [1, 6], "steps": 20, "asked": 8, "symbols": 4},
}


class KilledError(BaseException):
    """Ends the process's work as a kill does: no handler of the pipeline catches it."""


@pytest.fixture
def tasks(workspace: Workspace) -> Iterator[Workspace]:
    """A tiny task, in a workspace whose signal handlers come back."""
    workspace.edit({"recall": TINY})
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield workspace
    for number, handler in before.items():
        signal.signal(number, handler)


def do_at(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], None]) -> None:
    """Have `do` done in the course of a step, counted over all trainings."""
    original, made = stage.train_on_task, [0]

    def counting(state: TaskState, on_step: Callable[[Any], None]) -> None:
        def after_step(loss: Any) -> None:
            made[0] += 1
            if made[0] == step:
                do()
            on_step(loss)

        original(state, after_step)

    monkeypatch.setattr(stage, "train_on_task", counting)


def die() -> None:
    raise KilledError


def test_what_is_written(tasks: Workspace) -> None:
    tasks.call(recall, *NAMES)
    result = read_recall(load_params(), "copying", "gam")
    assert result is not None
    assert result.chance == 0.25
    assert [case.case for case in result.cases] == [1, 2, 6]
    assert [[run.learning_rate for run in case.tuning] for case in result.cases] == [[0.003, 0.02], [], [0.003, 0.02]]
    assert result.cases[1].learning_rate == result.cases[0].learning_rate
    for case in result.cases:
        assert [run.seed for run in case.runs] == [0, 1]
        assert all(run.seed == 100 for run in case.tuning)
        assert all(run.steps <= 20 and run.learning_rate == case.learning_rate for run in case.runs)
        ((part,),) = {tuple(run.by_distance) for run in case.runs[:1]}
        assert (part.distance, part.asked) == (case.case, 2048)
    assert result.provenance.threads == 1
    assert [file for file in paths.recall_work("copying", "gam").rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("step", [1, 7, 20, 21, 150])
def test_killed_after_any_step(tasks: Workspace, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    tasks.call(recall, *NAMES)
    whole = RESULT.read_bytes()
    RESULT.unlink()
    monkeypatch.setattr(stage, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as context:
        do_at(context, step, die)
        with pytest.raises(KilledError):
            tasks.call(recall, *NAMES)
    assert not RESULT.exists()
    tasks.call(recall, *NAMES)
    assert RESULT.read_bytes() == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_first(
    tasks: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    with monkeypatch.context() as context:
        do_at(context, 7, lambda: os.kill(os.getpid(), number))
        with pytest.raises(SystemExit) as stop:
            tasks.call(recall, *NAMES)
    assert stop.value.code == 128 + number
    assert f"stopped by {number.name}, everything is saved" in capsys.readouterr().err
    tasks.call(recall, *NAMES)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "copying gam 1, learning rate 0.003, seed 100: going on after step 7"


def test_a_finished_result_is_left_as_it_is(tasks: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    tasks.call(recall, *NAMES)
    whole = RESULT.read_bytes()
    tasks.call(recall, *NAMES)
    assert "copying gam: trained already" in capsys.readouterr().out
    RESULT.write_bytes(whole.replace(b'"steps"', b'"stops"', 1))
    tasks.call(recall, *NAMES)
    assert RESULT.read_bytes() == whole


def test_what_a_training_depends_on(tasks: Workspace) -> None:
    """Another protocol, task, model or machine starts anew; another version of the code, or more threads, goes on."""
    tasks.call(recall, *NAMES)
    result = read_result(RESULT, RecallResult)
    assert result is not None
    stamp, keys = result.provenance, []

    def key() -> str:
        return work_key(load_params(), "copying", "gam", stamp)

    keys.append(key())
    for change in ({"training": {"beta1": 0.8}}, {"copying": {"steps": 30}}):
        tasks.edit({"recall": change})
        assert read_recall(load_params(), "copying", "gam") is None
        keys.append(key())
    tasks.edit({"models": {"gam": {"n_slot": 9}}})
    keys.append(key())
    stamp = stamp.model_copy(update={"device": "another"})
    keys.append(key())
    assert len(set(keys)) == 5
    stamp = stamp.model_copy(update={"code": stamp.code.model_copy(update={"commit": "b" * 40})})
    tasks.edit({"runtime": {"threads": 1}, "recall": {"facts": {"steps": 3}}})
    assert key() == keys[-1]


def run_of(rate: float, right: int, steps: int) -> TaskRun:
    return TaskRun(
        learning_rate=rate, seed=1, steps=steps, by_distance=[AtDistance(distance=1, asked=1000, right=right)]
    )


def test_which_rate_is_chosen(tasks: Workspace) -> None:
    """stop_at is 0.995: from there on a task is learned, and fewer steps are better."""
    training = load_params().recall.training
    assert tasks
    assert best_rate([run_of(0.1, 500, 10), run_of(0.2, 600, 20), run_of(0.3, 550, 5)], training) == 0.2
    assert best_rate([run_of(0.1, 998, 90), run_of(0.2, 996, 20), run_of(0.3, 990, 5)], training) == 0.2


def test_a_model_that_is_not_to_be_trained(tasks: Workspace, refusal: Callable[..., str]) -> None:
    assert tasks
    message = refusal(recall, "--task", "copying", "--model", "gma")
    assert "unknown model 'gma' (did you mean 'gam'?); params.yaml has" in message
    message = refusal(recall, "--task", "copying", "--model", "transformer")
    assert "unknown model 'transformer'; recall in params.yaml, for copying, has gam" in message
    message = refusal(recall, "--task", "copy", "--model", "gam")
    assert "unknown task 'copy' (did you mean 'copying'?)" in message


def test_a_result_of_another_model(tasks: Workspace, refusal: Callable[..., str]) -> None:
    tasks.call(recall, *NAMES)
    values = json.loads(RESULT.read_text())
    assert values["model"] == "gam"
    tasks.edit({"recall": {"models": ["gam", "transformer"]}})
    RESULT.rename(paths.recall("copying", "transformer"))

    def read() -> None:
        read_recall(load_params(), "copying", "transformer")

    assert "copying/transformer.json says that it is of copying by gam: restore it from git" in refusal(read)
