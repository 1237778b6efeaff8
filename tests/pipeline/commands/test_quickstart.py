"""The quickstart's parameters."""

import re
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
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


def test_what_its_findings_link_to_is_there(tmp_path: Path) -> None:
    prepare(tmp_path, OVERLAYS / "stories.yaml")
    linked = set(re.findall(r"\]\((\w+\.md)", (HOUSE / paths.FINDINGS).read_text(encoding="utf-8")))
    assert linked - {paths.FINDINGS.name} == {file.name for file in (tmp_path / "docs").iterdir()}
