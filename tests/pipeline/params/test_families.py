"""The grids beside the paper's, and who plays which part in the claims."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.pipeline.conftest import ABLATIONS


def test_the_grids_beside_it() -> None:
    """Bfloat16: the paper's entries but for the precision and fused attention. Reduced: the same switches, smaller."""
    params = load_params(HOUSE / "params.yaml")
    for name, grid in params.cpu_grids:
        assert params.grid_of(name) is grid
        for model in grid.models:
            theirs = params.models[model.removesuffix(f"-{name}")].model_dump()
            ours = params.models[model].model_dump()
            different = {field for field in ours if ours[field] != theirs[field]}
            sizes = {"d_model", "n_layer", "n_head", "n_slot", "d_state", "expand"} & ours.keys()
            changed = sizes if name == "reduced" else {"precision"}
            assert different == changed | {"fused"} & ours.keys()
    text, whole = (params.datasets[name] for name in ("wikitext-2-v1-reduced", "wikitext-2-v1"))
    assert (text.origin, text.sha256["test"]) == (whole.origin, whole.sha256["test"])


REDUCED = {"cpu_grids": {"reduced": {"datasets": ["less"], "models": ["small"], "seeds": [0]}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"cpu_grids": {"small": {}}}, "cpu_grids.small is not a known key"),
        ({"cpu_grids": {"reduced": {"models": ["smal"]}}}, "cpu_grids.reduced.models names 'smal', which models does"),
        ({"cpu_grids": {"reduced": {"models": ["smal"]}}}, "not have (did you mean 'small'?)"),
        ({"cpu_grids": {"reduced": {"datasets": ["much"]}}}, "cpu_grids.reduced.datasets names 'much', which datasets"),
        ({"cpu_grids": {"reduced": {"seeds": [1, 1]}}}, "cpu_grids.reduced.seeds names 1 twice"),
        ({"cpu_grids": {"reduced": {"models": ["gam"]}}}, "cpu_grids.reduced runs 'gam', which grid runs already"),
        (
            {"cpu_grids": {"bfloat16": {"datasets": ["stories"], "models": ["small"], "seeds": [0]}}},
            "cpu_grids.reduced runs 'small', which cpu_grids.bfloat16 runs already: give it another entry",
        ),
        (
            {"cpu_grids": {"bfloat16": {"datasets": ["less"]}}},
            "cpu_grids.bfloat16.datasets names 'less', which is not in grid.datasets",
        ),
        (
            {"cpu_grids": {"reduced": {"datasets": ["stories"]}}},
            "cpu_grids.reduced.datasets names 'stories', which grid.datasets has already",
        ),
        (
            {"cpu_grids": {"reduced": {"datasets": ["less", "less-is"], "models": ["small", "is-small"]}}},
            "cpu_grids.reduced.datasets and models give two runs the name 'less-is-small' in DVC: rename an entry",
        ),
        (
            {"claims": {"families": {"paper": {"gam": "small"}}}},
            "claims.families.paper has models of cpu_grids.reduced and of grid: choose one",
        ),
    ],
)
def test_mistakes_in_the_grids_beside_it(
    workspace: Workspace, refusal: Callable[..., str], change: dict[str, Any], message: str | None
) -> None:
    base = read_yaml(workspace.folder / "params.yaml")
    less, small = base["datasets"]["stories"], base["models"]["gam"]
    workspace.edit({"datasets": {"less": less, "less-is": less}, "models": {"small": small, "is-small": small}})
    workspace.edit(REDUCED)
    workspace.edit(change)
    if message is None:
        workspace.call(check)
    else:
        assert message in refusal(check)


def test_the_shipped_families_name_the_roles() -> None:
    families = read_yaml(HOUSE / "params.yaml")["claims"]["families"]
    assert families["paper"] == {"transformer": "transformer", "mamba": "mamba", "gam": "gam"} | {
        role: name for name, role in ABLATIONS.items()
    }
    assert families["reduced"] == {role: f"{name}-reduced" for role, name in families["paper"].items()}
    assert {role: name for role, name in families["bfloat16"].items() if name} == {
        "transformer": "transformer-bfloat16",
        "gam": "gam-bfloat16",
    }
