"""Families of runs: what the shipped ones are, and what is refused, in one line."""

from collections.abc import Callable
from typing import Any

import pytest

from gam import LanguageModel
from pipeline.artifacts.records import TuningResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace, reduced_family


def test_the_parts_that_models_play() -> None:
    """They follow from block and switches."""
    params = load_params(HOUSE / "params.yaml")
    roles = {
        name: {params.models[model].role for model in family.members()} for name, family in params.families.items()
    }
    everyone = {"transformer", "mamba", "gam", "sum_fusion", "global_only", "local_only"}
    more = {"sum_fusion_wide", "mamba_residual", "ffn_only", "gated_slots"}
    two = {"transformer", "gam"}
    assert roles == {"paper": everyone, "bfloat16": two, "small": everyone | more, "twice": two}


def test_the_families_beside_the_papers() -> None:
    """bfloat16: the paper's entries but for the precision and fused attention. small: the same switches, smaller."""
    params = load_params(HOUSE / "params.yaml")
    for name in ("bfloat16", "small"):
        for model in set(params.families[name].members()) & {f"{entry}-{name}" for entry in params.models}:
            theirs = params.models[model.removesuffix(f"-{name}")].model_dump()
            ours = params.models[model].model_dump()
            different = {field for field in ours if ours[field] != theirs[field]}
            sizes = {"d_model", "n_layer", "n_head", "n_slot", "d_state", "init", "init_std"} & ours.keys()
            changed = sizes if name == "small" else {"precision"}
            assert different == changed | {"fused"} & ours.keys()
    text, whole = (params.datasets[name] for name in ("wikitext-2-v1-small", "wikitext-2-v1"))
    assert (text.origin, text.sha256) == (whole.origin, whole.sha256)


@pytest.mark.parametrize("model", ["gam", "transformer"])
def test_twice_differs_from_small_in_the_epochs_alone(model: str) -> None:
    """The learning rate is the one that was found for the small model."""
    params = load_params(HOUSE / "params.yaml")
    found = read_result(HOUSE / paths.tuning("wikitext-2-v1-small", f"{model}-small"), TuningResult)
    assert found is not None
    small = params.models[f"{model}-small"].as_written()
    assert params.models[f"{model}-twice"].as_written() == small | {"learning_rate": found.best.learning_rate}
    assert params.protocols["twice"] == params.protocols["small"].model_copy(update={"epochs": 2})


def test_the_wide_feed_forward_network_makes_up_for_the_gate() -> None:
    """Sum Fusion with it has as many parameters as GAM, within those of one unit of the network in each layer."""
    params = load_params(HOUSE / "params.yaml")
    count = {
        model: LanguageModel(params.models[model].config(2000)).n_parameters()
        for model in ("gam-small", "gam-sum-fusion-wide-small")
    }
    gam = params.models["gam-small"]
    one_unit = (2 * gam.d_model + 1) * gam.n_layer
    assert abs(count["gam-small"] - count["gam-sum-fusion-wide-small"]) <= one_unit / 2


def paper(**changes: Any) -> dict[str, Any]:
    return {"families": {"paper": changes}}


def other(**changes: Any) -> dict[str, Any]:
    return {"families": {"reduced": changes}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (paper(models=["transfomer"]), "which models does not have (did you mean 'transformer'?)"),
        (paper(datasets=["stories", "wiki"]), "families.paper.datasets names 'wiki', which datasets does not have"),
        (paper(seeds=[0, 0]), "families.paper.seeds names 0 twice"),
        (paper(seeds=[]), "families.paper.seeds is empty: name one, or empty datasets and models too"),
        (paper(others={"seeds": []}), "families.paper.others.seeds is empty: name one, or empty datasets and models"),
        (paper(seeds=[2**63]), "families.paper.seeds.0: input should be less than"),
        (paper(seed=[1]), "families.paper.seed is not a known key"),
        (paper(primary=["C3", "C9", "C3"]), "families.paper.primary names 'C3' twice"),
        (paper(primary=["C1"]), "families.paper.primary.0: input should be 'C3', 'C4'"),
        (paper(primary=["C3", "C4"]), "families.paper.primary names 'C4', which none of its texts has in claims: add"),
        (paper(others={"models": ["gam"]}), "families.paper.others.models names 'gam', which models has already"),
        (paper(others={"models": ["mmba"]}), "families.paper.others.models names 'mmba', which models does not"),
        (paper(others={"datasets": ["less"]}), "families.paper.others.datasets names 'less', which is not in"),
        (
            paper(models=["transformer", "transformer-fused"]),
            "families.paper.models: 'transformer' and 'transformer-fused' have the same block and switches, so no",
        ),
        (other(models=["gam"], datasets=["stories"]), "families.reduced runs 'gam' on 'stories', which families.paper"),
        (
            {"models": {"gam": {"block_size": 16}}},
            "runs 'gam' with a block_size of 16 tokens, and datasets.stories.block_size is 32: make them equal",
        ),
        (
            other(datasets=["less", "less-is"], models=["gam-reduced", "is-gam-reduced"]),
            "families.reduced.datasets and models give two runs the name 'less-is-gam-reduced' in DVC: rename an entry",
        ),
        ({"grid": {"seeds": [0]}}, "params.yaml: grid is of an earlier version: its runs are families.paper now"),
        ({"cpu_grids": {}}, "params.yaml: cpu_grids is of an earlier version: its runs are families of their own now"),
        ({"claims": {"families": {}}}, "params.yaml: claims.families is of an earlier version: the models to compare"),
    ],
)
def test_mistakes(workspace: Workspace, refusal: Callable[..., str], change: dict[str, Any], message: str) -> None:
    base = load_params().model_dump()
    workspace.edit(reduced_family(base))
    workspace.edit({"datasets": {"less-is": base["datasets"]["stories"]}})
    workspace.edit({"models": {"is-gam-reduced": base["models"]["gam-sum-fusion"]}})
    workspace.call(check)
    workspace.edit(change)
    assert message in refusal(check)


def test_the_papers_family_must_be_there(workspace: Workspace, refusal: Callable[..., str]) -> None:
    values = load_params().model_dump()
    workspace.write(values | {"families": {"mine": values["families"]["paper"]}})
    assert "families.paper is missing" in refusal(check)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{<<: *gam, gate: 3}", "models.gam-new.gate: input should be a valid boolean, got 3"),
        ("{<<: *gam, slots: 3}", "models.gam-new.slots is not a known key"),
        ("{<<: *ham}", "params.yaml is not valid YAML in line"),
        ("{<<: 3}", "params.yaml is not valid YAML in line"),
    ],
)
def test_mistakes_in_merge_keys(workspace: Workspace, refusal: Callable[..., str], entry: str, message: str) -> None:
    file = workspace.folder / "params.yaml"
    text = file.read_text().replace("  gam:\n", "  gam: &gam\n", 1)
    file.write_text(text.replace("\ntrain:", f"\n  gam-new: {entry}\ntrain:", 1))
    assert message in refusal(check)


def test_a_family_without_stages(workspace: Workspace, refusal: Callable[..., str]) -> None:
    """The graph knows a family by two lines for each kind of stage."""
    (workspace.folder / "dvc.yaml").write_text((HOUSE / "dvc.yaml").read_text())
    workspace.call(check)
    workspace.edit(reduced_family(read_yaml(workspace.folder / "params.yaml")))
    values = read_yaml(workspace.folder / "params.yaml")
    values["families"]["mine"] = values["families"].pop("reduced")
    workspace.write(values)
    assert "params.yaml: dvc.yaml has no stage to train families.mine: add two lines, see docs/extending.md" in refusal(
        check
    )
    del values["families"]["twice"], values["families"]["mine"]
    workspace.write(values)
    assert "params.yaml has no families.twice.datasets, which dvc.yaml names: add it, or take it out" in refusal(check)
    workspace.write(read_yaml(HOUSE / "params.yaml") | {"runtime": values["runtime"]})
    workspace.call(check)
    workspace.edit({"timing": {"models": ["gam", "transformer-bfloat16"]}})
    assert "stage timing of dvc.yaml does not depend on models.transformer-bfloat16" in refusal(check)
