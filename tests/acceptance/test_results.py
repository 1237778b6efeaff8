"""What is in git: results that say what they were made with, and tables and figures that are made of them."""

import json
import re
import sys
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.figures import main as figures
from pipeline.tables import main as tables
from tests.acceptance.workspaces import files_in

FILES = sorted(
    file.relative_to(HOUSE)
    for file in (HOUSE / paths.RESULTS).rglob("*.json")
    if file.parent.name != paths.training_fingerprint("any").parent.name
)


def test_tables_and_figures_are_those_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (paths.PARAMS, paths.RESULTS):
        (tmp_path / name).symlink_to(HOUSE / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage"])
    tables()
    figures()
    made, kept = files_in(paths.PAPER_TABLES), files_in(HOUSE / paths.PAPER_TABLES)
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == [], "call `make tables`"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_result_says_what_it_was_made_with(file: Path) -> None:
    made_with = json.loads((HOUSE / file).read_text(encoding="utf-8"))["provenance"]
    assert re.fullmatch(r"[0-9a-f]{40}", made_with["code"]["commit"]), "made by code that differed from its commit"
    without_text = (paths.FLOPS, paths.PEAKS, paths.TIMINGS, paths.SCALINGS, paths.RESULTS / "recall")
    has_none = any(file.is_relative_to(place) for place in without_text)
    assert bool(made_with["data"]) != has_none, "which text; costs and recall need none"
    assert {"python", "torch", "numpy"} <= {name for name, version in made_with["packages"].items() if version}
    assert made_with["device"]
    assert made_with["threads"] >= 1
    several = file.is_relative_to(paths.PEAKS)
    known = {None} if several else {"float32", "tfloat32", "bfloat16", "float16", "float64"}
    assert made_with["precision"] in known
