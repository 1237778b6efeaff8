"""A recorded run trained again: as it was, after another torch, and where it does not come back."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.artifacts.records import Curve
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.paths import HOUSE
from pipeline.commands import verify
from pipeline.params.schema import load_params
from pipeline.train import main as train
from tests.conftest import Workspace
from tests.made_up import STAMP, write_run

RUN = ("stories", "gam", 0)


@pytest.fixture
def one_run(workspace: Workspace) -> Workspace:
    """A folder that has one recorded run, made up."""
    code = STAMP.code.model_copy(update={"commit": None})
    write_run("gam", 0, [5.0, 4.5], stamp=STAMP.model_copy(update={"code": code}))
    return workspace


def recorded() -> Curve:
    found = read_result(paths.curve(*RUN), Curve)
    assert found is not None
    return found


def files(folder: Path) -> dict[Path, bytes]:
    places = (folder / name for name in ("results", "runs", "data"))
    return {file: file.read_bytes() for place in places for file in place.rglob("*") if file.is_file()}


def test_tokens_that_are_missing_are_made_in_the_scratch_copy(
    one_run: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("gam", "pipeline"):
        (one_run.folder / package).mkdir()
    monkeypatch.setattr(verify, "SCRATCH", one_run.folder / "scratch")
    called: list[str] = []

    def call(*command: str) -> None:
        called.append(command[0])
        if command[0] == "pipeline.train":
            (verify.SCRATCH / paths.curve(*RUN)).parent.mkdir(parents=True)
            (verify.SCRATCH / paths.curve(*RUN)).write_bytes(paths.curve(*RUN).read_bytes())

    monkeypatch.setattr(verify, "call", call)
    assert verify.trained_again(RUN) == recorded()
    paths.tokens("stories").mkdir(parents=True)
    verify.trained_again(RUN)
    assert called == ["pipeline.fetch", "pipeline.tokenise", "pipeline.train", "pipeline.train"]
    assert not paths.raw("stories").exists()


def test_it_comes_back(
    tokenised: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By lot, where there is one run to draw. What is recorded stays as it is."""
    for package in ("gam", "pipeline"):
        (tokenised.folder / package).symlink_to(HOUSE / package)
    tokenised.call(train, "--dataset", "stories", "--model", "gam", "--seed", "0")
    monkeypatch.setattr(verify, "SCRATCH", tokenised.folder / "scratch" / "verify")
    before = files(tokenised.folder)
    with pytest.raises(SystemExit) as stop:
        tokenised.call(verify.main, "--family", "paper")
    assert stop.value.code == 0
    assert "stories gam seed 0: the same bytes" in capsys.readouterr().out
    assert files(tokenised.folder) == before
    assert (verify.SCRATCH / paths.weights(*RUN)).read_bytes() == paths.weights(*RUN).read_bytes()


def changed(curve: Curve, loss: float, torch: str | None = None) -> Curve:
    """The same with other weights, the last loss further by so much, made with another torch."""
    *earlier, last = curve.epochs
    packages = curve.provenance.packages | ({"torch": torch} if torch else {})
    return curve.model_copy(
        update={
            "weights": "0" * 64,
            "epochs": [*earlier, last.model_copy(update={"validation_loss": last.validation_loss + loss})],
            "provenance": curve.provenance.model_copy(update={"packages": packages}),
        }
    )


@pytest.mark.usefixtures("one_run")
@pytest.mark.parametrize(
    ("loss", "torch", "allowed", "comes_back", "says"),
    [
        (0.0, None, 0.25, False, "other bytes on the same instructions, torch and code: validation loss"),
        (0.2, "2.11.0", 0.25, True, "the same up to rounding: validation loss"),
        (0.3, "2.11.0", 0.25, False, "not the same: validation loss"),
        (0.0, "2.11.0", None, False, "with one seed nothing says how far losses may lie apart"),
    ],
)
def test_how_it_is_judged(loss: float, torch: str | None, allowed: float | None, comes_back: bool, says: str) -> None:
    curve = recorded()
    found, line = verify.compared(curve, changed(curve, loss, torch), allowed)
    assert found is comes_back
    assert says in line
    assert torch is None or f"torch 2.11.0, recorded {curve.provenance.packages['torch']}" in line


@pytest.mark.usefixtures("one_run")
def test_a_run_of_several_processes_comes_back_up_to_rounding() -> None:
    curve = recorded()
    together = curve.model_copy(update={"provenance": curve.provenance.model_copy(update={"world_size": 2})})
    found, line = verify.compared(together, changed(curve, 0.0, None), 0.1)
    assert found
    assert line.count("processes 1, recorded 2") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--run", "stories", "gam", "7"], "stories gam 7 is no recorded run"),
        (["--run", "stories", "gam", "x"], "stories gam x is no recorded run"),
        (["--family", "none"], "--family must be one of"),
        (["--family", "small"], "results/curves has no run of the family small"),
    ],
)
def test_what_is_not_recorded(
    one_run: Workspace, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        one_run.call(verify.main, *options)
    assert stop.value.code == 2
    assert says in capsys.readouterr().err


def test_a_training_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(verify, "SCRATCH", tmp_path)
    with pytest.raises(SystemExit) as stop:
        verify.call("pipeline.train")
    assert stop.value.code == 1


def test_the_lot_is_drawn_from_what_is_recorded(one_run: Workspace) -> None:
    assert verify.named(load_params(), ["stories", "gam", "0"]) == RUN
    assert verify.by_lot(load_params(), "paper") == RUN
    one_run.edit({"families": {"paper": {"seeds": [1]}}})
    with pytest.raises(UserError, match="has no run of the family paper"):
        verify.by_lot(load_params(), "paper")


@pytest.mark.usefixtures("one_run")
def test_code_that_changed_may_round_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only code that a training runs counts, of any commit that had a part in the run."""

    def git(*command: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        done = subprocess.run(["git", *identity, *command], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    monkeypatch.setattr(verify, "HOUSE", tmp_path)
    verify.changed_since.cache_clear()
    (tmp_path / "gam").mkdir()
    (tmp_path / "gam" / "model.py").write_text("1\n")
    git("init", "--quiet")
    git("add", "gam")
    git("commit", "--quiet", "--message", "one")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "pipeline.txt").write_text("2\n")
    assert not verify.changed_since(commit)
    (tmp_path / "gam" / "model.py").write_text("2\n")
    verify.changed_since.cache_clear()
    assert verify.changed_since(commit)
    assert verify.changed_since(f"{commit}-dirty")
    assert verify.changed_since("f" * 40)
    curve = recorded()
    earlier = curve.provenance.model_copy(update={"code": curve.provenance.code.model_copy(update={"commit": commit})})
    again, resumed = changed(curve, 0.1), curve.model_copy(update={"earlier": [earlier]})
    comes_back, line = verify.compared(resumed, again, 0.2)
    assert comes_back
    assert f"code changed since {commit[:7]}; up to 0.2000 nats apart is allowed" in line
    verify.changed_since.cache_clear()
