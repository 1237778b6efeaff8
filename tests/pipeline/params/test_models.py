"""Entries of `models`: fields that may be absent, and the part that an entry plays."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.artifacts.current import read_curves
from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.claims.comparisons import ComparedRuns
from pipeline.params.models import ABLATIONS
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.report.groups import compared, member
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import write_run

NORMAL = {"init": "normal", "init_std": 0.02}
OFF = {"gate": False, "local": False, "memory": False}
WIDE = {"ffn_width": 65}


def add(workspace: Workspace, base: str, **changes: Any) -> None:
    """An entry `new`: another one with changes."""
    entry = read_yaml(workspace.folder / "params.yaml")["models"][base]
    workspace.edit({"models": {"new": entry | changes}})


def test_entries_count_as_they_are_written(workspace: Workspace) -> None:
    """A field that is absent is absent from what is stored and compared, whatever else may be written."""
    shipped = load_params(HOUSE / "params.yaml").models
    assert {name: entry.as_written() for name, entry in shipped.items()} == read_yaml(HOUSE / "params.yaml")["models"]
    add(workspace, "gam", **NORMAL, learning_rate=0.001, **WIDE)
    new = load_params().models["new"]
    assert new.as_written() == read_yaml(workspace.folder / "params.yaml")["models"]["new"]
    assert (new.config(9).init, new.config(9).init_std, vars(new.config(9))["ffn_width"]) == ("normal", 0.02, 65)


@pytest.mark.parametrize("change", [NORMAL, {"learning_rate": 0.001}, WIDE])
def test_a_field_that_is_added_or_taken_out_leaves_earlier_runs_out(
    workspace: Workspace, change: dict[str, Any]
) -> None:
    as_it_was = read_yaml(workspace.folder / "params.yaml")
    write_run("gam-sum-fusion", 0, [5.0])
    assert len(read_curves(load_params(), "stories", "gam-sum-fusion")) == 1
    workspace.edit({"models": {"gam-sum-fusion": change}})
    assert read_curves(load_params(), "stories", "gam-sum-fusion") == []
    write_run("gam-sum-fusion", 0, [5.0])
    assert len(read_curves(load_params(), "stories", "gam-sum-fusion")) == 1
    workspace.write(as_it_was)
    assert read_curves(load_params(), "stories", "gam-sum-fusion") == []


@pytest.mark.parametrize(
    ("base", "changes", "role", "name"),
    [
        ("gam", OFF, "ffn_only", "FFN alone"),
        ("gam", {"gate": False} | WIDE, "sum_fusion_wide", "GAM (Sum Fusion), wide FFN"),
        ("gam", {"gate": False, "ffn_width": 64}, "sum_fusion", "GAM (Sum Fusion)"),
        ("gam", WIDE, "gam_wide", "GAM (Full), wide FFN"),
        ("gam", OFF | WIDE, "ffn_only_wide", "FFN alone, wide"),
        ("mamba", {"residual": True}, "mamba_residual", "Mamba (residual)"),
        ("gam", NORMAL | {"learning_rate": 0.001}, "gam", "GAM (Full)"),
    ],
)
def test_parts(workspace: Workspace, base: str, changes: dict[str, Any], role: str, name: str) -> None:
    add(workspace, base, **changes)
    assert member(load_params(), "new").role == role
    assert member(load_params(), "new").name(load_published()) == name


def test_variants_stand_beside_the_published_models(workspace: Workspace) -> None:
    """In one family, where a claim that speaks of a published model means that one alone."""
    models = read_yaml(workspace.folder / "params.yaml")["models"]
    residual = models["mamba"] | {"residual": True}
    wide, alone = models["gam-sum-fusion"] | WIDE, models["gam"] | OFF
    workspace.edit({"models": {"mamba-residual": residual, "wide": wide, "alone": alone}})
    chosen = ["mamba-residual", "mamba", "gam", "wide", "alone"]
    workspace.edit({"families": {"paper": {"models": chosen}}})
    runs = ComparedRuns(load_params(), "stories", "paper")
    assert (runs.model("mamba"), runs.model("sum_fusion")) == ("mamba", "gam-sum-fusion")
    assert (runs.model("mamba_residual"), runs.model("sum_fusion_wide")) == ("mamba-residual", "wide")
    assert [each.model for each in compared(load_params(), {})[0].members] == ["mamba-residual", "mamba", "gam"]
    assert {"ffn_only", "sum_fusion_wide"} < set(ABLATIONS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init": "normal"}, "models.gam.init_std must lie in (0, 1] where init is normal, got None"),
        ({"init": "uniform"}, "models.gam.init: input should be 'published' or 'normal', got 'uniform'"),
        ({"init_std": 0.02}, "models.gam.init_std must be left out where init is published, got 0.02"),
        ({"learning_rate": 0.0}, "models.gam.learning_rate: input should be greater than 0, got 0.0"),
        ({"ffn_width": 32}, "models.gam.ffn_width must be at least 4 * d_model = 64, got 32"),
        (
            {"gate": False, "fused_mix": True},
            "models.gam.fused_mix must be false unless gate is true, got True",
        ),
        ({"local": False, "memory": False}, "models.gam.gate must be false unless local and memory are both true"),
    ],
)
def test_mistakes(workspace: Workspace, refusal: Callable[..., str], changes: dict[str, Any], message: str) -> None:
    workspace.edit({"models": {"gam": changes}})
    assert message in refusal(check)


def test_the_transformer_has_no_other_width(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.edit({"models": {"transformer": WIDE}})
    assert "models.transformer.ffn_width is not a known key" in refusal(check)
