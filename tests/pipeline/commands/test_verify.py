"""A recorded run trained again: as it was, after another torch, and where it does not come back."""

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
from tests.made_up import write_run

RUN = ("stories", "gam", 0)


@pytest.fixture
def one_run(workspace: Workspace) -> Workspace:
    """A folder that has one recorded run, made up."""
    write_run("gam", 0, [5.0, 4.5])
    return workspace


def recorded() -> Curve:
    found = read_result(paths.curve(*RUN), Curve)
    assert found is not None
    return found


def files(folder: Path) -> dict[Path, bytes]:
    places = (folder / name for name in ("results", "runs", "data"))
    return {file: file.read_bytes() for place in places for file in place.rglob("*") if file.is_file()}


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
    ("loss", "torch", "losses", "comes_back", "says"),
    [
        (0.0, None, [1.0, 1.1], False, "other bytes on the same instructions and torch: validation loss"),
        (0.2, "2.11.0", [1.0, 1.1], True, "the same up to rounding: validation loss"),
        (0.3, "2.11.0", [1.0, 1.1], False, "not the same: validation loss"),
        (0.0, "2.11.0", [1.0], False, "with one seed nothing says how far losses may lie apart"),
    ],
)
def test_how_it_is_judged(loss: float, torch: str | None, losses: list[float], comes_back: bool, says: str) -> None:
    curve = recorded()
    found, line = verify.compared(curve, changed(curve, loss, torch), losses)
    assert found is comes_back
    assert says in line
    assert torch is None or f"torch 2.11.0, recorded {curve.provenance.packages['torch']}" in line


@pytest.mark.usefixtures("one_run")
def test_a_run_of_several_processes_comes_back_up_to_rounding() -> None:
    curve = recorded()
    together = curve.model_copy(update={"provenance": curve.provenance.model_copy(update={"world_size": 2})})
    found, line = verify.compared(together, changed(curve, 0.0, None), [1.0, 1.1])
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
    with pytest.raises(SystemExit) as stop:
        verify.call("pipeline.train", folder=tmp_path)
    assert stop.value.code == 1


def test_the_lot_is_drawn_from_what_is_recorded(one_run: Workspace) -> None:
    assert verify.named(load_params(), ["stories", "gam", "0"]) == RUN
    assert verify.by_lot(load_params(), "paper") == RUN
    one_run.edit({"families": {"paper": {"seeds": [1]}}})
    with pytest.raises(UserError, match="has no run of the family paper"):
        verify.by_lot(load_params(), "paper")
