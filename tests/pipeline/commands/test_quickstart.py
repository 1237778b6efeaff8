"""The quickstart's parameters, and the table that it prints."""

from pathlib import Path

import pytest

from pipeline.artifacts.current import runs
from pipeline.base import paths
from pipeline.commands.quickstart import OVERLAYS, for_terminal, prepare
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.glob("*.yaml")), ids=lambda overlay: overlay.stem)
def test_the_quickstart_has_only_what_it_runs(tmp_path: Path, overlay: Path) -> None:
    prepare(tmp_path, overlay)
    params = load_params(tmp_path / "params.yaml")
    assert set(params.models) == {*params.grid.models, *params.grid.ablation_models, *params.grid.scaling_models}
    assert list(params.claims.families) == ["paper"]
    assert set(runs(params)) == set(params.grid.runs())


def test_table_on_a_terminal(workspace: Workspace) -> None:
    workspace.call(tables)
    text = for_terminal((paths.PAPER_TABLES / "main.md").read_text())
    assert max(len(line) for line in text.splitlines() if "not run" in line) < 130
    assert "882.57" in text
