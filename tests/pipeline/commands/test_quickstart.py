"""The quickstart's parameters."""

from pathlib import Path

import pytest

from pipeline.commands.quickstart import OVERLAYS, prepare
from pipeline.params.schema import load_params


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.glob("*.yaml")), ids=lambda overlay: overlay.stem)
def test_the_quickstart_has_only_what_it_runs(tmp_path: Path, overlay: Path) -> None:
    prepare(tmp_path, overlay)
    params = load_params(tmp_path / "params.yaml")
    paper = params.families["paper"]
    assert set(params.models) == {*paper.members(), *params.scaling.models, *params.timing.models}
    assert set(params.runs()) == set(paper.runs())
    assert set(params.datasets) == set(paper.datasets)
