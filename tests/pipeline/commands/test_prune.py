"""The command prune: what params.yaml no longer names, and nothing else."""

import shutil

import pytest

from pipeline.base import paths
from pipeline.base.files import write_json
from pipeline.commands.prune import main as prune
from tests.conftest import Workspace
from tests.made_up import (
    write_ngrams,
)
from tests.pipeline.conftest import SEEDS, growing, write_losses, write_reduced


def test_prune(grid: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_losses(gam=5.0, transformer=5.1)
    growing(grid, "gam", 1.0, 8192)
    write_ngrams(6.0, 5.0)
    shutil.copy(paths.ngrams("stories"), paths.ngrams("gone"))
    write_json(paths.TIMING_WORK / "key" / "measurement-1.json", {})  # others are still to be made
    grid.edit({"families": {"paper": {"seeds": [0, 1]}}, "scaling": {"models": ["transformer"]}})
    grid.call(prune)
    removed = {line.removeprefix("removed ") for line in capsys.readouterr().out.splitlines()[:-1]}
    files = {
        path("stories", model, 2)
        for path in (paths.curve, paths.clock, paths.metrics)
        for model in ("gam", "transformer")
    }
    assert removed == {str(file) for file in files | {paths.scaling("gam"), paths.ngrams("gone")}}
    assert paths.curve("stories", "gam", 1).exists()
    grid.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"


def test_prune_knows_every_family(reduced: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_reduced(SEEDS)
    reduced.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"
    reduced.edit({"families": {"reduced": {"seeds": [0, 1]}}})
    reduced.call(prune)
    assert capsys.readouterr().out.splitlines()[-1] == "6 files that params.yaml no longer names"
