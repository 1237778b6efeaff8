"""The graph in dvc.yaml: which stages an edit runs again, with DVC itself in a workspace like the quickstart's."""

import re
import shutil
from pathlib import Path

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.params.reading import read_yaml
from pipeline.params.recall import TASKS
from pipeline.params.schema import load_params
from tests.acceptance.conftest import FINGERPRINTS, MODELS
from tests.acceptance.workspaces import dvc, dvc_fails, files_in, repro, stages_run, write_params


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def out_of_date(house: Path) -> set[str]:
    """What is left to run: said by DVC, which is quicker than running it."""
    return stages_run(dvc(house, "repro", "--dry"))


def test_all_models_have_numbers(made: Path) -> None:
    table = (made / "paper_tables/main.md").read_text()
    rows = [line for line in table.splitlines() if line.startswith("| stories")]
    assert len(rows) == 5, "two models and three counts"
    assert not any("not run" in row for row in rows)


def test_number_of_slots(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["models"]["gam"]["n_slot"] = 12
    write_params(house, params)
    ran = repro(house, "evaluate@stories-gam-0")
    assert ran == {"check", "fingerprint@gam", "train@stories-gam-0", "evaluate@stories-gam-0"}
    assert out_of_date(house) == {"flops", "timing", "scaling@gam", "tables", "figures"}


def test_another_seed(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["families"]["paper"]["seeds"] = [0, 1]
    write_params(house, params)
    ran = repro(house)
    assert ran == {
        "check", "flops", "tables", "figures", "train@stories-transformer-1", "train@stories-gam-1",
        "ablation@stories-gam-sum-fusion-1", "evaluate@stories-transformer-1", "evaluate@stories-gam-1",
        "evaluate_ablation@stories-gam-sum-fusion-1",
    }  # fmt: skip


def test_another_family(house: Path) -> None:
    params = read_yaml(house / "params.yaml")
    params["models"]["gam-bfloat16"] = params["models"]["gam"] | {"precision": "bfloat16"}
    params["families"]["bfloat16"] = {"datasets": ["stories"], "models": ["gam-bfloat16"], "seeds": [0]}
    write_params(house, params)
    ran = repro(house)
    assert ran == {
        "check", "fingerprint@gam-bfloat16", "flops", "train_bfloat16@stories-gam-bfloat16-0",
        "evaluate_bfloat16@stories-gam-bfloat16-0", "tables", "figures",
    }  # fmt: skip
    table = (house / "paper_tables/main.md").read_text()
    (row,) = [line for line in table.splitlines() if line.startswith("| stories, bfloat16 ") and "GAM" in line]
    assert "not run" not in row


def test_a_family_with_a_protocol_of_its_own(house: Path) -> None:
    """Its rate is tuned first, its runs are looked into, and it has a table of its own."""
    params = read_yaml(house / "params.yaml")
    params["datasets"]["less"] = params["datasets"]["stories"] | {"vocab_size": 140}
    params["models"]["gam-small"] = params["models"]["gam"]
    params["families"]["small"] |= {"protocol": "small", "datasets": ["less"], "models": ["gam-small"], "seeds": [5]}
    params["protocols"]["small"] |= {"batch_size": 16, "warmup_steps": 2}
    params["tuning"] |= {"learning_rates": [0.001, 0.01], "extensions": 0}
    write_params(house, params)
    ran = repro(house)
    assert ran == {
        "check", "fetch@less", "tokenise@less", "ngrams@less", "fingerprint@gam-small", "tune@less-gam-small",
        "train_small@less-gam-small-5", "evaluate_small@less-gam-small-5", "inside@less-gam-small-5",
        "flops", "tables", "figures",
    }  # fmt: skip
    table = (house / "paper_tables/learned.md").read_text()
    (row,) = [line for line in table.splitlines() if line.startswith("| less, small ") and "GAM" in line]
    assert "not run" not in row


def test_comments_and_names_retrain_nothing(house: Path) -> None:
    replace(house / "params.yaml", "families:", "# a remark\nfamilies:")
    assert repro(house) == {"check"}
    block = house / "gam/blocks/gam.py"
    block.write_text("# a remark\n" + re.sub(r"\bpaths\b", "branches", block.read_text()))
    assert repro(house) == {*FINGERPRINTS, "flops"}


def test_autocast_is_part_of_the_fingerprint(house: Path) -> None:
    """Which it looks at again, and finds the same numbers: it is made in float32."""
    before = files_in(house / "results/fingerprint")
    for file in ("pipeline/machine/precision.py", "gam/ops/autocast.py"):
        replace(house / file, "torch.autocast(", "torch.autocast(  # a remark\n        ")
    assert repro(house) == {*FINGERPRINTS, "flops"}
    assert files_in(house / "results/fingerprint") == before


def test_changed_mathematics_retrains_what_it_touches(house: Path) -> None:
    replace(house / "gam/blocks/gam.py", "return x + self.ffn", "return x - self.ffn")
    assert repro(house, *(f"fingerprint@{model}" for model in MODELS)) == FINGERPRINTS - {"fingerprint_tasks"}
    ran = repro(house, "evaluate@stories-gam-0", "evaluate_ablation@stories-gam-sum-fusion-0")
    assert ran == {
        "train@stories-gam-0", "ablation@stories-gam-sum-fusion-0", "evaluate@stories-gam-0",
        "evaluate_ablation@stories-gam-sum-fusion-0",
    }  # fmt: skip
    assert out_of_date(house) == {"fingerprint_tasks", "flops", "timing", "scaling@gam", "tables", "figures"}


def test_tables_without_data_and_runs(house: Path) -> None:
    before = files_in(house / "paper_tables")
    for folder in ("data", "runs", ".dvc/cache"):
        shutil.rmtree(house / folder)
    dvc(house, "repro", "--single-item", "--force", "tables")
    assert files_in(house / "paper_tables") == before


def test_invalid_params_stop_the_graph_before_anything_is_lost(house: Path) -> None:
    before = {file: file.read_bytes() for file in house.rglob("*") if file.is_file() and ".dvc" not in file.parts}
    replace(house / "params.yaml", "n_slot: 16", "n_slots: 16")
    for arguments in (["repro"], ["repro", "--single-item", "--force", "tables"]):
        assert "is not a known key" in dvc_fails(house, *arguments)
    left = {file: file.read_bytes() for file in before if file.exists()}
    changed = {str(file.relative_to(house)) for file in before if left.get(file) != before[file]}
    assert changed <= {"params.yaml", "data/params.valid"}


def test_paths_agree_with_the_graph() -> None:
    """The outputs that dvc.yaml names are those that the code writes."""
    listed = dvc_outputs()
    params = load_params(HOUSE / "params.yaml")
    expected = {paths.PARAMS_ARE_VALID, paths.PAPER_TABLES / "summary.json", paths.PAPER_TABLES / "answers.md"}
    for dataset in params.datasets:
        expected |= {paths.raw(dataset), paths.tokens(dataset), paths.ngrams(dataset)}
    for model in params.models:
        of_code = (paths.training_fingerprint, paths.evaluation_fingerprint, paths.inside_fingerprint)
        expected |= {path(model) for path in of_code}
    expected |= {paths.TASKS_FINGERPRINT, paths.FINDINGS}
    expected |= {paths.recall(task, model) for task in TASKS for model in params.recall.models_of(task)}
    runs = [(dataset, model, seed) for (dataset, model), seeds in params.runs().items() for seed in seeds]
    expected |= {path(*run) for run in runs for path in (paths.weights, paths.curve, paths.clock, paths.metrics)}
    looked_into = params.families["small"].seeded().items()
    expected |= {paths.inside(dataset, model, seed) for (dataset, model), seeds in looked_into for seed in seeds}
    expected |= {paths.tuning(*run) for run in params.tuned()}
    names = ("main", "learned", "ablation", "scaling", "timing", "recall", "facts", "cost", "claims")
    expected |= {paths.PAPER_TABLES / f"{table}.{kind}" for table in names for kind in ("md", "tex")}
    expected |= {
        paths.FIGURES,
        paths.FLOPS,
        paths.PEAKS,
        paths.TIMINGS,
        *(paths.SCALINGS / model for model in params.scaling.models),
    }
    assert listed == expected


def dvc_outputs() -> set[Path]:
    from dvc.repo import Repo

    with Repo(HOUSE) as repo:
        return {Path(out.fs_path).relative_to(HOUSE) for out in repo.index.outs}
