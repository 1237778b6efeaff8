"""Results of every kind, all made up, with their figures and their page: made once, and copied for who changes them."""

import shutil
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands.report import main as report
from pipeline.figures import main as figures
from tests.conftest import Workspace
from tests.made_up import write_recall
from tests.made_up_costs import scaling_point, write_flops, write_peak, write_scaling, write_timing
from tests.pipeline.conftest import RECALL, with_all_models, write_losses


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params.yaml, results/, paper_tables/figures/ and report/."""
    with pytest.MonkeyPatch.context() as patch:
        workspace = with_all_models(Workspace(tmp_path_factory.mktemp("made-up"), patch))
        workspace.edit({"recall": RECALL})
        write_losses(gam=4.0, transformer=4.1, mamba=4.2, gam_sum_fusion=4.3, gam_global_only=4.5, gam_local_only=4.6)
        write_timing(transformer=1.2, mamba=1.1, gam=1.0)
        write_flops(gam=100)
        write_peak(1e9)
        for model in ("transformer", "gam"):
            write_scaling(model, [scaling_point(length, length / 100, length / 10) for length in (1024, 2048)])
        for model in ("gam", "transformer"):
            write_recall("copying", model, {1: {1: 1.0}, 6: {6: 0.25}})
        workspace.call(figures)
        workspace.call(report)
        return workspace.folder


@pytest.fixture
def filled(made_up: Path, workspace: Workspace) -> Workspace:
    shutil.copytree(made_up, workspace.folder, dirs_exist_ok=True)
    return workspace


@pytest.fixture(scope="module")
def own_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of this repository's results."""
    file = tmp_path_factory.mktemp("own") / "index.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(HOUSE)
        patch.setattr(paths, "REPORT", file)
        patch.setattr("sys.argv", ["report"])
        report()
    return file


@pytest.fixture(scope="module")
def made_up_page(made_up: Path) -> Path:
    return made_up / paths.REPORT


@pytest.fixture(params=["made_up_page", "own_page"])
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found
