"""Who may import whom: the order of the rooms, read from every import there is, and tried in other processes."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.base.paths import HOUSE
from tests.conftest import Workspace, run_without
from tests.made_up import write_run

KNOWS = {
    "base": [],
    "params": ["base"],
    "machine": ["base", "params"],
    "data": ["base", "params"],
    "artifacts": ["base", "params", "machine", "data"],
    "evaluation": ["base", "params", "machine", "data", "artifacts"],
    "training": ["base", "params", "machine", "data", "artifacts", "evaluation"],
    "claims": ["base", "params", "artifacts"],
    "report": ["base", "params", "artifacts", "claims"],
    "commands": ["base", "params", "machine", "data", "artifacts", "claims", "report"],
}
"""What each room of pipeline/ may import beside itself. A training validates as an evaluation does."""
ROOMS = set(KNOWS)
WITH_TORCH = ("torch", "pipeline.artifacts.tensors", "pipeline.artifacts.weights", "pipeline.artifacts.provenance")
FRONT_DOOR = "__main__"
MORE_THAN_TORCH = {
    "gam.ops.gated_mix_kernels": {"triton"},
    "gam.pretrained": {"huggingface_hub", "safetensors", "tokenizers"},
    "gam.configuration_gam": {"transformers"},
    "gam.modeling_gam": {"transformers"},
    "gam.harness": {"datasets", "lm_eval"},
}
"""Modules of gam that are loaded only where they are asked for."""
HEAVY = {"gam.configuration_gam", "gam.modeling_gam", "gam.harness"}
"""Those of them whose packages may be missing, and take seconds to load. The tests of each load it."""


def module_of(file: Path) -> str:
    parts = file.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(file): file for package in ("pipeline", "gam") for file in (HOUSE / package).rglob("*.py")}
STAGES = {name.split(".")[1] for name in FILES if name.count(".") == 1 and name.startswith("pipeline.")}
STAGES -= ROOMS | {FRONT_DOOR}
IN_PIPELINE = sorted(name for name in FILES if name.startswith("pipeline."))
IN_GAM = sorted(FILES.keys() - IN_PIPELINE - {"pipeline"})


def imports(module: str) -> Iterator[str]:
    """All modules that a module names in an import, wherever that stands."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in FILES else str(node.module)


def places_imported(module: str) -> set[str]:
    """Rooms and stages of the pipeline that a module imports from."""
    return {name.split(".")[1] for name in imports(module) if name.startswith("pipeline.")}


def test_every_folder_is_a_room() -> None:
    folders = {file.parent.name for file in (HOUSE / "pipeline").glob("*/*.py")}
    assert folders == ROOMS


@pytest.mark.parametrize("module", IN_PIPELINE)
def test_each_knows_only_what_stands_before_it(module: str) -> None:
    place = module.split(".")[1]
    if place in STAGES:
        known = ROOMS - {"commands"}  # and no stage
    elif place == FRONT_DOOR:
        known = {"base", "commands"}
    else:
        known = {place, *KNOWS[place]}
    assert places_imported(module) <= known


@pytest.mark.parametrize("module", [name for name in IN_PIPELINE if name.split(".")[1] in ("claims", "report")])
def test_claims_and_report_never_import_torch(module: str) -> None:
    assert [name for name in imports(module) if f"{name}.".startswith(tuple(f"{other}." for other in WITH_TORCH))] == []


@pytest.mark.parametrize("module", IN_GAM)
def test_gam_imports_torch_and_itself_alone(module: str) -> None:
    own = {"gam", "torch", "mamba_ssm"} | sys.stdlib_module_names
    own |= MORE_THAN_TORCH.get(module, set())
    assert {name.split(".")[0] for name in imports(module)} <= own
    if module.startswith("gam.ops"):
        assert [name for name in imports(module) if name.startswith(("gam.blocks", "gam.model"))] == []


@pytest.mark.parametrize("stage", ["tables", "figures"])
def test_no_torch_is_loaded_for(stage: str, tmp_path: Path) -> None:
    run_without([], f"import pipeline.{stage}, sys; assert 'torch' not in sys.modules", tmp_path)


def test_tables_do_without_torch(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}})
    for model in ("gam", "transformer"):
        for seed in range(3):
            write_run(model, seed, [5.5, 5.0 + seed / 10])
    run_without(["torch", "datasets", "tokenizers"], "from pipeline.tables import main; main()", workspace.folder)
    assert "5.1000 ±" in (workspace.folder / "paper_tables/main.md").read_text()


def test_imports_have_no_effect(tmp_path: Path) -> None:
    run_without([], f"import {', '.join(FILES.keys() - HEAVY)}", tmp_path)
    assert list(tmp_path.iterdir()) == []
