"""params.yaml: the one that ships is valid and is the paper's protocol; mistakes are named in one line."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.current import runs
from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.commands.quickstart import OVERLAYS, prepare
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace

GAM, TRANSFORMER = {"models": {"gam": {}}}, {"models": {"transformer": {}}}


def test_the_paper_protocol() -> None:
    params = load_params(HOUSE / "params.yaml")
    assert params.train.model_dump() == {
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 3e-4,
        "warmup_steps": 100,
        "beta1": 0.9,
        "beta2": 0.95,
        "weight_decay": 0.1,
        "clip_norm": 1.0,
    }
    assert {name: params.datasets[name].vocab_size for name in params.grid.datasets} == {
        "wikitext-2": 10_000,
        "wikitext-2-v1": 10_000,
        "tinystories": 10_000,
    }
    for name in (*params.grid.models, *params.grid.ablation_models):
        assert params.models[name].precision == "float32"
        assert (params.models[name].config(10_000).d_model, params.models[name].config(10_000).n_layer) == (512, 6)
    assert {entry.config(10_000).block_size for entry in params.models.values()} == {256}


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


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.glob("*.yaml")), ids=lambda overlay: overlay.stem)
def test_the_quickstart_has_only_what_it_runs(tmp_path: Path, overlay: Path) -> None:
    prepare(tmp_path, overlay)
    params = load_params(tmp_path / "params.yaml")
    assert set(params.models) == {*params.grid.models, *params.grid.ablation_models, *params.grid.scaling_models}
    assert list(params.claims.families) == ["paper"]
    assert set(runs(params)) == set(params.grid.runs())


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": {"gam": {"n_slots": 4}}}, "models.gam.n_slots is not a known key"),
        ({"trian": {}}, "trian is not a known key"),
        ({"models": {"gam": {"n_slot": "many"}}}, "models.gam.n_slot: input should be a valid integer, got 'many'"),
        ({"models": {"gam": {"n_slot": True}}}, "models.gam.n_slot: input should be a valid integer"),
        ({"models": {"gam": {"n_slot": -1}}}, "models.gam.n_slot must be an integer of at least 1, got -1"),
        ({"models": {"gam": {"n_slot": 2**63}}}, f"models.gam.n_slot must fit in 64 bits, got {2**63}"),
        ({"models": {"gam": {"block_size": 1}}}, "models.gam.block_size must be at least 2, got 1"),
        ({"models": {"gam": {"block": "rnn"}}}, "models.gam.block must be one of 'gam', 'transformer', 'mamba'"),
        (
            {"models": {"gam": {"precision": "int8"}}},
            "models.gam.precision: input should be 'float32', 'tfloat32' or 'bfloat16'",
        ),
        ({"models": {"transformer": {"n_head": 5}}}, "models.transformer.n_head must divide d_model = 16, got 5"),
        ({"train": {"epochs": 0}}, "train.epochs: input should be greater than 0, got 0"),
        ({"train": {"batch_size": 2**63}}, "train.batch_size: input should be less than"),
        ({"train": {"learning_rate": float("nan")}}, "train.learning_rate: input should be"),
        ({"train": {"learning_rate": "3e-4x"}}, "train.learning_rate: input should be a valid number"),
        ({"grid": {"models": ["transfomer"]}}, "which models does not have (did you mean 'transformer'?)"),
        ({"grid": {"datasets": ["stories", "wiki"]}}, "grid.datasets names 'wiki', which datasets does not have"),
        ({"grid": {"seeds": [0, 0]}}, "grid.seeds names 0 twice"),
        ({"grid": {"seeds": []}}, "grid.seeds: list should have at least 1 item"),
        ({"grid": {"ablation_models": ["gam"]}}, "grid.ablation_models names 'gam', which models has already"),
        ({"datasets": {"stories": {"rows": {"train": 0}}}}, "datasets.stories.rows.train: input should be greater"),
        ({"datasets": {"stories": {"rows": {"train": None}}}}, "datasets.stories.rows must be numbers"),
        ({"datasets": {"stories": {"sha256": {"train": "x"}}}}, "datasets.stories.sha256.train: string should match"),
        ({"datasets": {"stories": {"origin": {"path": "a/b"}}}}, "datasets.stories.origin.path is not a known key"),
        ({"datasets": {"stories": {"origin": None}}}, "datasets.stories.origin"),
        ({"datasets": {"stories": {"origin": "wikitext"}}}, "datasets.stories.origin"),
        ({"models": {"gam-1.5": {}}}, "models.gam-1.5: string should match pattern"),
        ({"grid": {"seeds": [2**63]}}, "grid.seeds.0: input should be less than"),
        (
            {"grid": {"datasets": ["stories", "stories-new"], "models": ["gam", "new-gam"]}},
            "grid.datasets and models give two runs the name 'stories-new-gam' in DVC: rename an entry",
        ),
        ({"datasets": {"x" * 65: {}}}, "string should have at most 64 characters"),
        ({"x" * 10_000: 0}, f"params.yaml: {'x' * 100} ... {'x' * 50} is not a known key"),
        ({"\x1b[31m\u2028red": 0}, r"params.yaml: \x1b[31m red is not a known key"),
        ({"train": {"epochs": "x" * 10_000}}, "train.epochs: input should be a valid integer, got 'xxx"),
        ({"scaling": {"cap_gib": 1e300}}, "scaling.cap_gib: input should be less than or equal to 1048576"),
        ({"runtime": {"threads": 10**12}}, "runtime.threads: input should be less than or equal to 1024"),
        ({"claims": {"families": {"paper": {"mamba": "mmba"}}}}, "names 'mmba', which models does not have"),
        (
            {"claims": {"families": {"paper": {"gam": "transformer"}}}},
            "claims.families.paper.gam names 'transformer', whose block is not gam",
        ),
        ({"models": {"gam": None}}, "models.gam"),
        ({"datasets": {"../up": {}}}, "datasets.../up: string should match pattern"),
        ({"runtime": {"device": "tpu"}}, "runtime.device: input should be 'auto', 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_mistakes(workspace: Workspace, refusal: Callable[..., str], change: dict[str, Any], message: str) -> None:
    workspace.edit(change)
    assert message in refusal(check)
    assert not (workspace.folder / "data").exists()


LAUGHS = ", ".join(["&a [x]", *(f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghij"))])
"""Aliases of aliases: written out, 400 million entries."""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_slot: 16", "n_slots: 16", "models.gam.n_slots is not a known key (did you mean 'n_slot'?)"),
        ("epochs: 2\n", "\n", "train.epochs is missing; every field is spelled out, add it"),
        ("epochs: 2\n", "epochs: 2\n  epochs: 3\n", 'found duplicate key "epochs"'),
        ("epochs: 2\n", "epochs: [2\n", "params.yaml is not valid YAML in line"),
        ("epochs: 2\n", "epochs: 2001-13-45\n", ": cannot read '2001-13-45' as timestamp: month must be in 1..12"),
        ("epochs: 2\n", "epochs: !!bool 2\n", ": cannot read '2' as bool"),
        ("epochs: 2\n", f"epochs: 0x{'f' * 5000}\n", "as int: it has more than 64 bits"),
        ("epochs: 2\n", f"epochs: {'9' * 5000}\n", "as int: Exceeds the limit"),
        ("epochs: 2\n", f"epochs: {'[' * 2000}\n", "params.yaml is nested too deeply"),
        ("epochs: 2\n", 'epochs: "\\U00110000"\n', "params.yaml is not valid YAML: "),
        ("runtime:", "%YAML 1.3\n---\nruntime:", "params.yaml is not valid YAML: version minor part"),
        ("runtime:", "? [[a]]\n: 1\nruntime:", "params.yaml is not valid YAML: "),
        ("runtime:", "\x1bruntime:", "params.yaml is not valid YAML in line 1: character 0x1b"),
        ("runtime:", "a: &x 1\nb: &x 2\nruntime:", "params.yaml is not valid YAML: found duplicate anchor 'x'"),
        ("epochs: 2\n", f"epochs: [{LAUGHS}]\n", "train.epochs: input should be a valid integer, got [['x'], [['x'],"),
    ],
)
def test_mistakes_of_writing(
    workspace: Workspace, refusal: Callable[..., str], old: str, new: str, message: str
) -> None:
    file = workspace.folder / "params.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert message in refusal(check)


def test_no_params(workspace: Workspace, refusal: Callable[..., str]) -> None:
    (workspace.folder / "params.yaml").unlink()
    assert "params.yaml is missing: run from the repository's root" in refusal(check)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused_as_dvc_refuses_them(
    workspace: Workspace, refusal: Callable[..., str], encoding: str
) -> None:
    file = workspace.folder / "params.yaml"
    file.write_text("# é\n" + file.read_text(), encoding=encoding)
    assert "params.yaml is not UTF-8 in line 1: save it in that encoding" in refusal(check)


def test_numbers_are_read_as_dvc_reads_them(workspace: Workspace) -> None:
    """YAML 1.2: 1e-3 is a number, which PyYAML takes for a string."""
    file = workspace.folder / "params.yaml"
    file.write_text(file.read_text().replace("0.0003", "1e-3"))
    assert load_params().train.learning_rate == 1e-3
