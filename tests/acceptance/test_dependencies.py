"""What dvc.yaml says a stage depends on is what the stage imports: a room that is missing there would go unseen."""

import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from pipeline.base.paths import HOUSE

INERT = {
    "fingerprint": {"pipeline/base", "pipeline/params"},
    "fingerprint_tasks": {"pipeline/base", "pipeline/params"},
    "tokenise": {"pipeline/base", "pipeline/params", "gam"},
    "ngrams": {"pipeline/base", "pipeline/params", "pipeline/machine", "pipeline/artifacts", "gam"},
    "tables": {"pipeline/base", "pipeline/params", "gam"},
    "figures": {"pipeline/base", "pipeline/params", "gam"},
}
"""What a stage imports and no number of it comes from. `params` and `gam.config` say what a value of params.yaml must
be, and DVC sees the values themselves; counts of tokens need no model."""


@pytest.mark.parametrize("stage", INERT)
def test_a_stage_depends_on_all_that_it_imports(stage: str) -> None:
    imported = rooms_of(stage) - INERT[stage]
    graph = YAML(typ="safe").load(HOUSE / "dvc.yaml")["stages"][stage]
    deps = graph.get("do", graph)["deps"]
    code = {dep for dep in deps if dep.split("/")[0] in ("gam", "pipeline")}
    assert code == imported | {f"pipeline/{stage}.py"}


def rooms_of(stage: str) -> set[str]:
    """The folders of this project's modules that importing a stage loads."""
    code = f"import sys, pipeline.{stage}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    modules = [name.split(".") for name in done.stdout.split()]
    rooms = {f"pipeline/{name[1]}" for name in modules if name[0] == "pipeline" and len(name) > 2}
    return rooms | ({"gam"} if any(name[0] == "gam" for name in modules) else set())
