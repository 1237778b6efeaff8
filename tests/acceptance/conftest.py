"""A workspace in which every stage was run once, and copies of it."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from tests.acceptance.workspaces import dvc, make_workspace, repro, stages_run
from tests.conftest import tiny_params

MODELS = ["transformer", "transformer-fused", "mamba", "gam", "gam-sum-fusion"]
FINGERPRINTS = {"fingerprint_tasks", *(f"fingerprint@{model}" for model in MODELS)}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything was run once; in a copy of it nothing is left to run.

    The processes that share the tests share it: the first that comes makes it.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "graph"
    with FileLock(shared / "graph.lock"):
        if not folder.exists():
            make(shared / "graph-in-the-making", shared / "graph-copy")
            (shared / "graph-in-the-making").rename(folder)
    return folder


def make(folder: Path, copy: Path) -> None:
    make_workspace(folder, tiny_params())
    assert repro(folder) == {
        "check", "fetch@stories", "tokenise@stories", "ngrams@stories", "flops", "peak", "timing", "scaling@gam",
        "tables", "figures",
        "train@stories-transformer-0", "train@stories-gam-0", "ablation@stories-gam-sum-fusion-0",
        "evaluate@stories-transformer-0", "evaluate@stories-gam-0", "evaluate_ablation@stories-gam-sum-fusion-0",
        *FINGERPRINTS,
    }  # fmt: skip
    shutil.copytree(folder, copy, symlinks=True)
    assert stages_run(dvc(copy, "repro")) == set()


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Path:
    """A copy of it; the session's own stays as it was."""
    copy = tmp_path / "house"
    shutil.copytree(made, copy, symlinks=True)
    return copy
