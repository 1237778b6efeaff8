"""Runs made anew beside the recorded ones: what counts as the same, and what the report says."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pipeline.artifacts.records import Curve
from pipeline.base import paths
from pipeline.base.files import write_json
from pipeline.commands import reproduce
from pipeline.commands.beside import Account, Report, beside, by_model, read_account
from pipeline.commands.verify import allowed
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import STAMP, write_run
from tests.pipeline.conftest import write_losses

ASKED = {"C9": ["gam"]}
ANSWER: dict[str, Any] = {
    "verdict": "reproduced",
    "parts": {
        "another": {"verdict": "inconclusive", "mean": 0.1},
        "Global Only − GAM": {"verdict": "reproduced", "mean": 0.2, "low": 0.1, "high": 0.3},
    },
}
OTHERWISE = {"verdict": "inconclusive"}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Two seeds of GAM, and an answer."""
    with pytest.MonkeyPatch.context() as patch:
        workspace = Workspace(tmp_path_factory.mktemp("git"), patch)
        workspace.edit({"families": {"paper": {"seeds": [0, 1]}}})
        write_json(paths.PAPER_TABLES / "summary.json", {"claims": {"stories": {"paper": {"C9": ANSWER}}}})
        code = STAMP.code.model_copy(update={"commit": None})
        for seed, loss in enumerate((4.0, 4.1)):
            write_run("gam", seed, [5.0, loss], stamp=STAMP.model_copy(update={"code": code}))
        yield read_account(workspace.folder, load_params(), "stories", "paper")


def changed(git: Account, further: float = 0.0, torch: str = "2.13.0", **train: Any) -> Account:
    """The same, where the last loss of the first run is so much further, with another torch or other parameters."""
    run, curve = next(iter(git.curves.items()))
    *earlier, last = curve.epochs
    provenance = curve.provenance.model_copy(update={"packages": curve.provenance.packages | {"torch": torch}})
    update: dict[str, Any] = {
        "epochs": [*earlier, last.model_copy(update={"validation_loss": last.validation_loss + further})],
        "train": curve.train | train,
        "provenance": provenance,
    }
    again: Curve = curve.model_copy(update=update)
    return replace(git, curves=git.curves | {run: again})


def row(report: Report) -> str:
    """The line of C9, with single spaces."""
    (line,) = [line for line in report.as_text().splitlines() if line.startswith("C9 ")]
    return " ".join(line.split())


def test_the_same_bytes(git: Account) -> None:
    report = beside(git, git, ASKED)
    assert report.is_same
    answer = "reproduced 0.2000 [0.1000, 0.3000]"
    assert row(report) == f"C9 {answer} {answer} same 2 with the same bytes"
    assert report.as_text().endswith("All that can be compared is the same.")


def test_another_verdict(git: Account) -> None:
    report = beside(git, replace(git, claims={"C9": OTHERWISE}), ASKED)
    assert not report.is_same
    assert row(report).endswith(" inconclusive NOT THE SAME 2 with the same bytes")
    assert report.as_text().endswith("Not all is the same.")


@pytest.mark.parametrize(
    ("change", "same", "says"),
    [
        ({"further": 0.001}, False, "stories gam seed 0: other bytes on the same instructions, torch and code"),
        ({"further": 0.001, "torch": "2.11.0"}, True, "1 with the same bytes, 1 the same up to rounding"),
        ({"further": 30.0, "torch": "2.11.0"}, False, "stories gam seed 0: not the same: validation loss 34.0000"),
        ({"learning_rate": 0.5}, True, "1 with the same bytes, 1 with another learning rate"),
        ({"epochs": 7}, False, "stories gam seed 0: made with another epochs"),
    ],
)
def test_another_run(git: Account, change: dict[str, Any], same: bool, says: str) -> None:
    """The verdict is the same all the while."""
    report = beside(git, changed(git, **change), ASKED)
    assert report.is_same is same
    assert says in report.as_text()
    assert ("recorded: torch 2.11.0, recorded 2.13.0." in report.as_text()) is ("torch" in change)


def test_a_run_that_is_missing_here(git: Account) -> None:
    answer = {"verdict": "not run", "reason": "Global Only − GAM"}
    report = beside(git, replace(git, claims={"C9": answer}), ASKED)
    assert not report.is_same
    assert row(report).endswith(" not run NOT THE SAME not run here: Global Only − GAM")


def test_how_far_losses_may_lie_apart(git: Account) -> None:
    """Two models with two seeds: the spread of both together; the more runs, the further one of them may lie."""
    runs = {("stories", "mamba", seed): curve for (_, _, seed), curve in git.curves.items()}
    both = by_model(git.curves | runs).values()
    spread = 0.1 / math.sqrt(2)
    quantile = 9.925  # of t with 2 degrees of freedom at 0.995, as tables have it
    assert allowed(both, 1) == pytest.approx(quantile * spread * math.sqrt(2), rel=1e-3)
    assert allowed(both, 4) > allowed(both, 1)
    assert allowed([seeds[:1] for seeds in both]) is None


@pytest.mark.parametrize(
    ("expected", "asked", "why"),
    [
        ({}, ASKED, "git has no answer yet"),
        ({"C9": {"verdict": "not run"}}, ASKED, "git has no answer yet"),
        ({"C9": OTHERWISE}, {}, "not asked for"),
    ],
)
def test_nothing_to_compare(git: Account, expected: dict[str, Any], asked: dict[str, list[str]], why: str) -> None:
    report = beside(replace(git, claims=expected), git, asked)
    assert report.is_same
    assert row(report).endswith(f" not compared {why}")


def test_runs_that_git_does_not_have(git: Account) -> None:
    others = {("stories", "mamba", seed): curve for (_, _, seed), curve in git.curves.items()}
    report = beside(replace(git, curves=others), git, ASKED)
    assert report.is_same
    assert row(report).endswith(" same none of its runs is in git")


def test_report_from_results_that_lie_in_two_folders(grid: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """A value with its interval, a verdict, and what was expected, for each claim."""
    write_losses(gam=5.0, gam_global_only=5.2)
    grid.call(tables)
    recorded = grid.folder / "recorded"
    for name in ("results", "paper_tables"):
        shutil.copytree(grid.folder / name, recorded / name)
    assert reproduce.reported(grid.folder, load_params(), "stories", "paper", ["C9"], recorded)
    report = json.loads((grid.folder / "report.json").read_text())
    found = report["claims"]["C9"]
    assert found["verdict"] == found["expected"]["verdict"] == "reproduced"
    part = found["parts"]["Global Only − GAM"]
    assert part["low"] < part["mean"] < part["high"]
    assert part["mean"] == pytest.approx(0.2002)
    assert (found["same"], found["why"]) == (True, "10 with the same bytes")
    assert report["claims"]["C7"]["same"] is None
    assert report["runs"]["stories gam seed 3"]["expected"]["validation_loss"] == 8.0
    write_losses(gam=5.0, gam_global_only=4.8)
    grid.call(tables)
    assert not reproduce.reported(grid.folder, load_params(), "stories", "paper", ["C9"], recorded)
    assert "NOT THE SAME" in capsys.readouterr().out
