"""The command prune: what params.yaml no longer names, and nothing else."""

import shutil

import pytest

from pipeline.base import paths
from pipeline.base.files import write_json
from pipeline.commands.prune import main as prune
from tests.conftest import Workspace
from tests.made_up import only_file, write_inside, write_ngrams, write_recall, write_tuning
from tests.pipeline.conftest import RECALL, SEEDS, growing, write_losses, write_reduced


def test_prune(grid: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_losses(gam=5.0, transformer=5.1)
    for seed in SEEDS:
        write_inside("gam", seed)
    growing(grid, "gam", 1.0, 8192)
    write_ngrams(6.0, 5.0)
    shutil.copy(paths.ngrams("stories"), paths.ngrams("gone"))
    of_gam = only_file(paths.SCALINGS / "gam")
    write_json(paths.TIMING_WORK / "key" / "measurement-1.json", {})  # others are still to be made
    write_json(paths.TRACKED / "tensorboard" / "told.json", {})
    grid.edit({"families": {"paper": {"seeds": [0, 1]}}, "scaling": {"models": ["transformer"]}})
    grid.call(prune)
    removed = {line.removeprefix("removed ") for line in capsys.readouterr().out.splitlines()[:-1]}
    files = {
        path("stories", model, seed)
        for path in (paths.curve, paths.clock, paths.metrics)
        for model in ("gam", "transformer")
        for seed in SEEDS[2:]
    }
    files |= {paths.inside("stories", "gam", seed) for seed in SEEDS[2:]}
    files |= {of_gam, paths.ngrams("gone")}
    assert removed == {str(file) for file in files}
    assert paths.curve("stories", "gam", 1).exists()
    assert paths.inside("stories", "gam", 1).exists()
    grid.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"


def test_prune_knows_every_family(reduced: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_reduced(SEEDS)
    reduced.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"
    reduced.edit({"families": {"reduced": {"seeds": [0, 1]}}})
    reduced.call(prune)
    assert capsys.readouterr().out.splitlines()[-1] == f"{6 * len(SEEDS[2:])} files that params.yaml no longer names"


def test_prune_knows_learning_rates(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Found ones go with the protocol that they were found for."""
    workspace.edit({"families": {"paper": {"protocol": "small"}}})
    write_tuning("gam", {0.001: 5.0, 0.002: 4.0})
    workspace.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"
    workspace.edit({"models": {"gam": {"learning_rate": 0.1}}})
    workspace.call(prune)
    assert capsys.readouterr().out.splitlines()[0] == f"removed {paths.tuning('stories', 'gam')}"


def test_prune_knows_the_tasks(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    workspace.edit({"recall": RECALL})
    write_recall("copying", "gam", {1: {1: 1.0}})
    write_recall("facts", "gam", {20: {0: 1.0}})
    save = paths.recall_work("copying", "gam") / "key" / "1-0.1-0.json"
    save.parent.mkdir(parents=True)
    save.touch()
    workspace.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"
    workspace.edit({"recall": {"models": ["transformer"]}})
    workspace.call(prune)
    removed = {line.removeprefix("removed ") for line in capsys.readouterr().out.splitlines()[:-1]}
    assert removed == {str(save), str(paths.recall("copying", "gam"))}
