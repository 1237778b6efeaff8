"""`python -m pipeline grid`: several trainings side by side."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment
from pipeline.params.reading import read_yaml
from tests.acceptance.workspaces import dvc, write_params


def test_trainings_side_by_side(made: Path, house: Path) -> None:
    """One that fails stops no other, and comes later; all give what `dvc repro` gave, one after another."""
    files = [
        path("stories", model, 0)
        for model in ("transformer", "gam", "gam-sum-fusion")
        for path in (paths.weights, paths.curve)
    ]
    for file in files:
        (house / file).unlink()
    shutil.rmtree(house / ".dvc/cache")  # or DVC would bring them back
    obstacle = house / paths.WORK / "stories/transformer"
    shutil.rmtree(obstacle)
    obstacle.touch()
    shutil.copy(HOUSE / "Makefile", house)
    make = ["make", "READY=", "grid", "JOBS=2"]
    done = subprocess.run(make, cwd=house, env=dvc_environment(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "failed to reproduce 'train@stories-transformer-0'" in done.stderr
    assert {file for file in files if not (house / file).exists()} == set(files[:2])
    assert "not run" in (house / "paper_tables/main.md").read_text()

    obstacle.unlink()
    dvc(house, "repro", "--single-item", "train@stories-transformer-0")
    assert all((house / file).read_bytes() == (made / file).read_bytes() for file in files)


def test_trainings_side_by_side_stop_saved(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["train"]["epochs"] = 10_000
    write_params(house, params)
    shutil.rmtree(house / paths.WORK)
    grid = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", "2"],
        cwd=house, env=dvc_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    begun = [paths.work("stories", model, 0) for model in ("transformer", "gam")]
    while not all(list((house / folder).rglob("step-*")) for folder in begun):
        assert grid.poll() is None
        time.sleep(0.1)
    grid.send_signal(signal.SIGINT)
    _, text = grid.communicate(timeout=30)
    assert grid.returncode == 128 + signal.SIGINT
    assert text.count("stopped by SIGTERM, everything is saved") == 2
    assert not (house / paths.work("stories", "gam-sum-fusion", 0)).exists()
