"""The graph in dvc.yaml: which stages an edit runs again, with DVC itself in a workspace like the quickstart's."""

import re
import shutil
import signal
import subprocess
import sys
import time
from hashlib import md5
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment, merge, prepare
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import reduced_grid, tiny_params

MODELS = ["transformer", "transformer-fused", "mamba", "gam", "gam-sum-fusion"]


def dvc(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=folder, env=dvc_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '(.*)'", output))


def write_params(folder: Path, params: object) -> None:
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(params, file)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything was run once."""
    folder = tmp_path_factory.mktemp("graph")
    overlay = folder / "overlay.yaml"
    overlay.write_text("{}")
    prepare(folder, overlay)
    write_params(folder, tiny_params())
    dvc(folder, "init", "--quiet", "--no-scm")
    ran = stages_run(dvc(folder, "repro"))
    assert ran == {
        "check", "fetch@stories", "tokenise@stories", "ngrams@stories", "tables", "figures", "timing", "scaling@gam",
        "train@stories-transformer-0", "train@stories-gam-0", "ablation@stories-gam-sum-fusion-0",
        "evaluate@stories-transformer-0", "evaluate@stories-gam-0", *(f"fingerprint@{model}" for model in MODELS),
    }  # fmt: skip
    return folder


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Path:
    """A copy of it; the module's own stays as it was."""
    copy = tmp_path / "house"
    shutil.copytree(made, copy, symlinks=True)
    assert stages_run(dvc(copy, "repro")) == set()
    return copy


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_all_models_have_numbers(made: Path) -> None:
    table = (made / "paper_tables/main.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| stories")]
    assert len(rows) == 4
    assert not any("not run" in row for row in rows)


def test_number_of_slots(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["models"]["gam"]["n_slot"] = 12
    write_params(house, params)
    ran = stages_run(dvc(house, "repro"))
    assert ran == {
        "check", "fingerprint@gam", "train@stories-gam-0", "evaluate@stories-gam-0", "timing", "scaling@gam",
        "tables", "figures",
    }  # fmt: skip


def test_another_seed(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["grid"]["seeds"] = [0, 1]
    write_params(house, params)
    ran = stages_run(dvc(house, "repro"))
    assert ran == {
        "check", "tables", "figures", "train@stories-transformer-1", "train@stories-gam-1",
        "ablation@stories-gam-sum-fusion-1", "evaluate@stories-transformer-1", "evaluate@stories-gam-1",
    }  # fmt: skip


def test_the_grids_beside_it(house: Path) -> None:
    params = merge(read_yaml(house / "params.yaml"), reduced_grid(read_yaml(house / "params.yaml")))
    params["models"]["gam-bfloat16"] = params["models"]["gam"] | {"precision": "bfloat16"}
    params["cpu_grids"]["bfloat16"] = {"datasets": ["stories"], "models": ["gam-bfloat16"], "seeds": [0]}
    params["cpu_grids"]["reduced"] = {"datasets": ["less"], "models": ["gam-reduced"], "seeds": [5]}
    write_params(house, params)
    ran = stages_run(dvc(house, "repro"))
    assert ran == {
        "check", "fingerprint@gam-bfloat16", "fingerprint@gam-reduced", "fingerprint@transformer-reduced",
        "fingerprint@gam-sum-fusion-reduced", "train_bfloat16@stories-gam-bfloat16-0",
        "evaluate_bfloat16@stories-gam-bfloat16-0", "fetch_reduced@less", "tokenise_reduced@less",
        "ngrams_reduced@less", "train_reduced@less-gam-reduced-5", "evaluate_reduced@less-gam-reduced-5",
        "tables", "figures",
    }  # fmt: skip
    table = (house / "paper_tables/main.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith(("| stories, bfloat16 ", "| less, reduced "))]
    assert len(rows) == 6
    assert not any("not run" in row for row in rows)


def test_comments_and_names_retrain_nothing(house: Path) -> None:
    replace(house / "params.yaml", "grid:", "# a remark\ngrid:")
    assert stages_run(dvc(house, "repro")) == {"check"}
    block = house / "gam/blocks/gam.py"
    block.write_text("# a remark\n" + re.sub(r"\bpaths\b", "branches", block.read_text()))
    assert stages_run(dvc(house, "repro")) == {f"fingerprint@{model}" for model in MODELS}


def test_changed_mathematics_retrains_what_it_touches(house: Path) -> None:
    replace(house / "gam/blocks/gam.py", "return x + self.ffn", "return x - self.ffn")
    dvc(house, "repro", *(f"fingerprint@{model}" for model in MODELS))
    assert stages_run(dvc(house, "repro", "--dry")) >= {"train@stories-gam-0", "ablation@stories-gam-sum-fusion-0"}
    ran = stages_run(dvc(house, "repro"))
    assert ran == {
        "train@stories-gam-0", "ablation@stories-gam-sum-fusion-0", "evaluate@stories-gam-0", "timing", "scaling@gam",
        "tables", "figures",
    }  # fmt: skip


def test_tables_without_data_and_runs(house: Path) -> None:
    before = {file.name: file.read_bytes() for file in (house / "paper_tables").iterdir()}
    for folder in ("data", "runs", ".dvc/cache"):
        shutil.rmtree(house / folder)
    dvc(house, "repro", "--single-item", "--force", "tables")
    assert {file.name: file.read_bytes() for file in (house / "paper_tables").iterdir()} == before


def test_invalid_params_stop_the_graph_before_anything_is_lost(house: Path) -> None:
    before = {file: file.read_bytes() for file in house.rglob("*") if file.is_file() and ".dvc" not in file.parts}
    replace(house / "params.yaml", "n_slot: 16", "n_slots: 16")
    for arguments in (["repro"], ["repro", "--single-item", "--force", "tables"]):
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=house, env=dvc_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "is not a known key" in done.stderr
    left = {file: file.read_bytes() for file in before if file.exists()}
    changed = {str(file.relative_to(house)) for file in before if left.get(file) != before[file]}
    assert changed <= {"params.yaml", "data/params.valid"}


def clone(house: Path, copy: Path) -> Path:
    """What git carries: everything but data, weights and DVC's cache."""
    shutil.copytree(house, copy, ignore=shutil.ignore_patterns("data", "runs", "work", "cache", "tmp"))
    return copy


def test_artifacts_travel(house: Path, tmp_path: Path) -> None:
    """Pushed to a remote, pulled into a second clone, where nothing is left to do; a damaged object is refused."""
    before = {file.name: file.read_bytes() for file in (house / "paper_tables").iterdir()}
    store = tmp_path / "store"
    dvc(house, "remote", "add", "--default", "store", str(store))
    dvc(house, "remote", "modify", "store", "verify", "true")
    dvc(house, "push")
    second = clone(house, tmp_path / "second")
    dvc(second, "pull")
    assert stages_run(dvc(second, "repro")) == set()
    dvc(second, "repro", "--single-item", "--force", "tables", "figures")
    assert {file.name: file.read_bytes() for file in (second / "paper_tables").iterdir()} == before

    weights = "runs/stories/gam/seed-0.safetensors"
    digest = md5((house / weights).read_bytes(), usedforsecurity=False).hexdigest()
    stored = store / "files/md5" / digest[:2] / digest[2:]
    stored.chmod(0o644)
    content = bytearray(stored.read_bytes())
    content[-100] ^= 1
    stored.write_bytes(content)
    third = clone(house, tmp_path / "third")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "pull"],
        cwd=third, env=dvc_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert weights in done.stderr
    assert not (third / weights).exists()
    dvc(third, "repro", "--single-item", "--force", "tables", "figures")
    assert {file.name: file.read_bytes() for file in (third / "paper_tables").iterdir()} == before


def test_paths_agree_with_the_graph() -> None:
    """The outputs that dvc.yaml names are those that the code writes."""
    listed = dvc_outputs()
    params = load_params(HOUSE / "params.yaml")
    grid = params.grid
    expected = {paths.PARAMS_ARE_VALID, paths.PAPER_TABLES / "summary.json", paths.PAPER_TABLES / "finding.md"}
    for dataset in {dataset for each in params.grids().values() for dataset in each.datasets}:
        expected |= {paths.raw(dataset), paths.tokens(dataset), paths.ngrams(dataset)}
    for model in params.models:
        expected |= {paths.training_fingerprint(model), paths.evaluation_fingerprint(model)}
    runs = [
        (d, m, s) for each in params.grids().values() for d in each.datasets for m in each.models for s in each.seeds
    ]
    ablations = [(d, m, s) for d in grid.ablation_datasets for m in grid.ablation_models for s in grid.seeds]
    expected |= {path(*run) for run in runs + ablations for path in (paths.weights, paths.curve, paths.clock)}
    expected |= {paths.metrics(*run) for run in runs}
    names = ("main", "ablation", "scaling", "timing", "claims")
    expected |= {paths.PAPER_TABLES / f"{table}.{kind}" for table in names for kind in ("md", "tex")}
    drawn = ("compute_time", "peak_memory", "validation_perplexity", "validation_loss", "epoch_time", "gam_block")
    expected |= {paths.PAPER_TABLES / f"{figure}.{kind}" for figure in drawn for kind in ("svg", "pdf")}
    expected |= {paths.TIMING, *(paths.scaling(model) for model in grid.scaling_models)}
    assert listed == expected


def dvc_outputs() -> set[Path]:
    from dvc.repo import Repo

    with Repo(HOUSE) as repo:
        return {Path(out.fs_path).relative_to(HOUSE) for out in repo.index.outs}


@pytest.mark.parametrize("name", ["tables", "figures"])
def test_a_stage_depends_on_all_its_sources(name: str) -> None:
    """On every module of the pipeline that it is made with, unless a change of that cannot change what it writes."""
    stage = YAML(typ="safe").load(HOUSE / "dvc.yaml")["stages"][name]
    code = f"import sys, pipeline.{name}; print(*(n for n in sys.modules if n.startswith('pipeline.')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    modules = {f"pipeline/{module.split('.')[1]}.py" for module in done.stdout.split()}
    inert = {"command_line", "errors", "files", "grids", "params", "paths", "published", "results", "section"}
    inert |= {"yaml_file"}
    assert modules - {f"pipeline/{module}.py" for module in inert} == {
        path for path in stage["deps"] if path.endswith(".py")
    }


def test_trainings_side_by_side(made: Path, house: Path) -> None:
    """One that fails stops no other, and comes later; all give what `dvc repro` gave, one after another."""
    files = [
        path("stories", model, 0)
        for model in ("transformer", "gam", "gam-sum-fusion")
        for path in (paths.weights, paths.curve)
    ]
    for file in files:
        (house / file).unlink()
    shutil.rmtree(house / ".dvc/cache")  # or DVC would bring them back
    obstacle = house / paths.WORK / "stories/transformer"
    shutil.rmtree(obstacle)
    obstacle.touch()
    shutil.copy(HOUSE / "Makefile", house)
    make = ["make", "READY=", "grid", "JOBS=2"]
    done = subprocess.run(make, cwd=house, env=dvc_environment(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "failed to reproduce 'train@stories-transformer-0'" in done.stderr
    assert {file for file in files if not (house / file).exists()} == set(files[:2])
    assert "not run" in (house / "paper_tables/main.md").read_text()

    obstacle.unlink()
    dvc(house, "repro", "--single-item", "train@stories-transformer-0")
    assert all((house / file).read_bytes() == (made / file).read_bytes() for file in files)


def test_trainings_side_by_side_stop_saved(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["train"]["epochs"] = 10_000
    write_params(house, params)
    shutil.rmtree(house / paths.WORK)
    grid = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "grid", "--jobs", "2"],
        cwd=house, env=dvc_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    begun = [paths.work("stories", model, 0) for model in ("transformer", "gam")]
    while not all(list((house / folder).rglob("step-*")) for folder in begun):
        assert grid.poll() is None
        time.sleep(0.1)
    grid.send_signal(signal.SIGINT)
    _, text = grid.communicate(timeout=30)
    assert grid.returncode == 128 + signal.SIGINT
    assert text.count("stopped by SIGTERM, everything is saved") == 2
    assert not (house / paths.work("stories", "gam-sum-fusion", 0)).exists()
