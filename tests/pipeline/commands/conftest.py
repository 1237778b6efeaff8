"""What tests of several commands share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.commands.fake_slurm import CLUSTER, FakeSlurm
from tests.pipeline.commands.graphs import make_graph


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A folder with the stages of `make_graph`, of which none has run."""
    make_graph(tmp_path)
    return tmp_path


@pytest.fixture
def fake_slurm(graph: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlurm]:
    """Slurm's commands, and `cluster.yaml` in the folder of the graph."""
    (graph / "cluster.yaml").write_text(CLUSTER)
    slurm = FakeSlurm(graph / "slurm", monkeypatch)
    yield slurm
    slurm.end()
