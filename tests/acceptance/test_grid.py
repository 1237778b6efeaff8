"""`python -m pipeline grid`: several stages side by side, and what `dvc repro` makes of it."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment
from pipeline.params.reading import read_yaml
from tests.acceptance.workspaces import dvc, make_workspace, stages_run, write_params
from tests.conftest import tiny_params

COMPUTED = ("results/curves", "results/metrics", "results/fingerprint", "results/ngrams")


def test_trainings_side_by_side(made: Path, house: Path) -> None:
    """One that fails stops no other, and comes later, by DVC; all give the bytes that they gave before."""
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
    assert "error: failed: train@stories-transformer-0\n" in done.stderr
    assert {file for file in files if not (house / file).exists()} == set(files[:2])
    assert "not run" in (house / "paper_tables/main.md").read_text()

    obstacle.unlink()
    dvc(house, "repro", "--single-item", "train@stories-transformer-0")
    assert all((house / file).read_bytes() == (made / file).read_bytes() for file in files)


def test_the_same_as_dvc_repro(made: Path, tmp_path: Path) -> None:
    """From nothing: the same weights, curves and metrics to the byte, recorded as DVC records them.

    DVC makes one run and what it needs; the fixture has it look at all that the launcher made, and find nothing to do.
    """
    assert dvc(made, "status") == "Data and pipelines are up to date.\n"
    house = tmp_path / "house"
    make_workspace(house, tiny_params())
    ran = stages_run(dvc(house, "repro", "evaluate@stories-gam-0"))
    assert ran == {
        "check", "fetch@stories", "tokenise@stories", "fingerprint@gam", "train@stories-gam-0",
        "evaluate@stories-gam-0",
    }  # fmt: skip
    computed = [house / paths.RUNS, *(house / paths.RESULTS / name for name in ("curves", "metrics", "fingerprint"))]
    files = [
        file for folder in computed for file in folder.rglob("*") if file.is_file() and file.suffix != ".gitignore"
    ]
    assert len(files) > 4
    for file in files:
        assert file.read_bytes() == (made / file.relative_to(house)).read_bytes(), file
    ours, theirs = recorded(house / "dvc.lock"), recorded(made / "dvc.lock")
    assert ours.keys() == ran
    assert ours == {name: theirs[name] for name in ran}


def recorded(file: Path) -> dict[str, Any]:
    """What DVC recorded, without the hashes of what tells times."""
    stages: dict[str, Any] = YAML(typ="safe").load(file)["stages"]
    for stage in stages.values():
        for entry in [*stage["deps"], *stage["outs"]]:
            if entry["path"].startswith("results") and not entry["path"].startswith(COMPUTED):
                for key in ("md5", "size", "nfiles"):
                    entry.pop(key, None)
    return stages


def test_trainings_side_by_side_stop_saved(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["train"]["epochs"] = 10_000
    write_params(house, params)
    shutil.rmtree(house / paths.WORK)
    grid = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", "2"],
        cwd=house, env=dvc_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    begun = [paths.work("stories", model, 0) for model in ("transformer", "gam")]
    while not all(list((house / folder).rglob("step-*")) for folder in begun):
        assert grid.poll() is None
        time.sleep(0.1)
    grid.send_signal(signal.SIGINT)
    text, _ = grid.communicate(timeout=30)
    assert grid.returncode == 128 + signal.SIGINT
    assert "stopped by SIGINT, everything is saved" in text
    logs = [file.read_text() for file in (house / paths.LOGS).iterdir()]
    assert sum("stopped by SIGTERM, everything is saved" in log for log in logs) == 2
    assert not (house / paths.work("stories", "gam-sum-fusion", 0)).exists()
