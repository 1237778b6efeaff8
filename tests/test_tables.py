"""Tables from result files: every number from a file, the same bytes everywhere, nothing written where one is wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.current import LEFT_OUT
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.intervals import estimate
from pipeline.commands.quickstart import for_terminal
from pipeline.params.reading import read_yaml
from pipeline.tables import main as tables
from tests.conftest import Workspace, reduced_grid
from tests.made_up import (
    STAMP,
    run_fields,
    scaling_point,
    write_metrics,
    write_ngrams,
    write_run,
    write_scaling,
    write_timing,
)


def written(folder: Path = paths.PAPER_TABLES) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def cells(name: str, dataset: str, label: str) -> list[str]:
    """The numbers of one row of a Markdown table."""
    lines = (paths.PAPER_TABLES / f"{name}.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return next(row[2:] for row in rows if row[:2] == [dataset, label])


def test_without_any_result(workspace: Workspace) -> None:
    workspace.call(tables)
    assert cells("main", "wikitext-2", "GAM (Full)") == [
        "22.6", "not run", "117.2", "not run", "6.7828", "not run", "882.57", "not run", "0",
    ]  # fmt: skip
    assert cells("main", "stories", "Transformer") == ["–", "not run"] * 4 + ["0"]
    assert cells("ablation", "wikitext-2", "GAM (Global Only)") == [
        "19.4",
        "not run",
        "905.45",
        "not run",
        "not run",
        "0",
    ]
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert summary["main"] == summary["ablation"] == summary["timing"] == summary["scaling"] == {}
    without = {"C9", "C10"}  # there is no Global Only, and no Local Only
    verdicts = summary["claims"]["wikitext-2"]["paper"]
    assert verdicts == {claim: "not judged" if claim in without else "not run" for claim in verdicts}


def test_one_run(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)") == ["–", "1.2", "–", "15.0", "–", "5.0000", "–", "500.00", "1"]
    assert cells("ablation", "stories", "GAM (Full)") == ["–", "1.2", "–", "90.02", "148.41", "1"]
    text = (paths.PAPER_TABLES / "main.md").read_text()
    scan = "Mamba's scan by plain torch"
    machine = f"Test & Device_1 (cpu, 2 threads, deterministic); float32; {scan}; python 3.11.0, torch 2.13.0"
    assert "The 1 trainings took 0.5 min by the clock." in text
    assert f"Reproduced on {machine}; commit aaaaaaaaaaaa-dirty." in text
    assert r"Test \& Device\_1" in (paths.PAPER_TABLES / "main.tex").read_text()
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert summary["main"]["stories"]["gam"]["validation_loss"] == 5.0
    assert summary["main"]["stories"]["gam"]["test_loss"] == 6.0


def test_markdown_is_a_table(workspace: Workspace) -> None:
    """By the rule of GitHub's Markdown: a row of dashes and colons below the header, as many cells in every row."""
    workspace.call(tables)
    for file in paths.PAPER_TABLES.glob("*.md"):
        rows = [line for line in file.read_text().splitlines() if line.startswith("|")]
        assert all(re.fullmatch(r" (-+|-+:) ", cell) for cell in rows[1].strip("|").split("|"))
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_results_of_another_run_or_other_parameters(workspace: Workspace, refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    workspace.edit({"train": {"epochs": 3}})
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]
    note = f"{LEFT_OUT}: stories gam seed 0."
    assert note in (paths.PAPER_TABLES / "main.md").read_text()
    paths.curve("stories", "transformer", 0).parent.mkdir()
    shutil.copy(paths.curve("stories", "gam", 0), paths.curve("stories", "transformer", 0))
    assert "says that it is of stories gam seed 0" in refusal(tables)


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({"datasets": {"stories": {"rows": {"test": 21}}}}, "stories gam seed 0, 1; n-grams of stories"),
        ({"models": {"gam": {"n_slot": 8}}}, "stories gam seed 0, 1; timing; scaling of gam"),
        ({"train": {"clip_norm": 2.0}}, "stories gam seed 0, 1"),
        ({"train": {"batch_size": 8}}, "stories gam seed 0, 1; n-grams of stories; timing"),
        ({"timing": {"vocab_size": 60}}, "timing"),
        ({"scaling": {"cap_gib": 1.0}}, "scaling of gam"),
        ({"scaling": {"cpu": {"batch_size": 3}}}, "scaling of gam"),
    ],
)
def test_made_with_other_parameters(workspace: Workspace, change: dict[str, Any], left_out: str) -> None:
    workspace.edit({"grid": {"seeds": [0, 1]}})
    for seed in (0, 1):
        write_run("gam", seed, [4.5, 5.0])
    write_ngrams(6.0, 5.0)
    write_timing(transformer=1.0, mamba=1.0, gam=1.0)
    write_scaling("gam", [scaling_point(length, "device", [1.0, 2.0], 3.0) for length in (256, 512)])
    workspace.call(tables)
    assert "Left out" not in (paths.PAPER_TABLES / "main.md").read_text()
    workspace.edit(change)
    workspace.call(tables)
    note = f"{LEFT_OUT}: {left_out}."
    for file in paths.PAPER_TABLES.glob("*.md"):
        assert note in file.read_text()
    assert ("seed 0, 1" in left_out) == (cells("main", "stories", "GAM (Full)")[-1] == "0")
    assert ("n-grams" in left_out) == (cells("main", "stories", "Bigram count")[-2] == "not run")
    assert ("scaling" in left_out) == (cells("scaling", "time (ms), all memory", "256")[-1] == "not run")


def test_metrics_of_other_weights(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    write_metrics(run_fields("gam", 0) | {"weights": "f" * 64})
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]
    assert "the metrics of stories gam seed 0." in (paths.PAPER_TABLES / "main.md").read_text()


def test_runs_on_different_tokens(refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    write_run("transformer", 0, [4.5, 5.0], stamp=STAMP.model_copy(update={"data": {"train": "2" * 64}}))
    assert "come from different tokens" in refusal(tables)


def test_counts_beside_the_models(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.call(tables)
    assert cells("main", "stories", "Bigram count") == ["–"] * 5 + ["not run", "–", "not run", "–"]
    write_ngrams(6.0, 5.0)
    workspace.call(tables)
    assert cells("main", "stories", "Unigram count") == ["–"] * 5 + ["6.0000", "–", "600.00", "–"]
    assert cells("main", "stories", "Bigram count")[5:8] == ["5.0000", "–", "500.00"]
    assert "| wikitext-2 | Unigram" not in (paths.PAPER_TABLES / "main.md").read_text()  # no grid has it
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert summary["main"]["stories"]["bigram"] == {"validation_loss": 5.0, "validation_perplexity": 500.0}
    write_run("gam", 0, [4.5, 5.0], stamp=STAMP.model_copy(update={"data": {"train": "2" * 64}}))
    assert "ngrams/stories.json and results/curves/stories/gam/seed-0.json come from different" in refusal(tables)


def test_counts_of_another_data_set(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.edit({"datasets": {"other": read_yaml(Path("params.yaml"))["datasets"]["stories"]}})
    write_ngrams(6.0, 5.0, dataset="other")
    shutil.move(paths.ngrams("other"), paths.ngrams("stories"))
    assert "results/ngrams/stories.json says that it is of other" in refusal(tables)


def test_a_result_edited_by_hand(refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    file = paths.curve("stories", "gam", 0)
    file.write_text(file.read_text().replace('"validation_loss": 5.0', '"validation_loss": 4.0'))
    assert "gam/seed-0.json is not as it was written: its sha256 does not fit its content" in refusal(tables)


def test_perplexity_that_no_float_holds(workspace: Workspace) -> None:
    write_run("gam", 0, [799.5, 800.0])
    workspace.call(tables)
    assert cells("ablation", "stories", "GAM (Full)")[-3:] == ["overflow", "overflow", "1"]


def test_a_grid_beside_the_paper_s(workspace: Workspace) -> None:
    """A group of its own below the paper's data sets, without published numbers; the ablations in their own table."""
    workspace.edit(reduced_grid(read_yaml(workspace.folder / "params.yaml")))
    for seed in range(3):
        for model, loss in (("transformer-reduced", 5.5), ("gam-reduced", 5.0), ("gam-sum-fusion-reduced", 4.0)):
            write_run(model, seed, [loss + seed], dataset="less")
    workspace.call(tables)
    half = f"{4.302653 / 3**0.5:.4f}"  # t(0.975, 2) from a printed table; standard deviation 1
    assert cells("main", "less, reduced", "Transformer (fused)")[4:6] == ["–", f"6.5000 ± {half}"]
    assert cells("main", "less, reduced", "GAM (Full)")[4:6] == ["–", f"**6.0000 ± {half}**"]
    assert cells("ablation", "less, reduced", "GAM (Full)")[-1] == "3"
    assert cells("ablation", "less, reduced", "GAM (Sum Fusion)")[-1] == "3"
    for name, theirs in (("main", ["wikitext-2", "tinystories"]), ("ablation", ["wikitext-2"])):
        groups = re.findall(r"^\| ([a-z].*?) +\|", (paths.PAPER_TABLES / f"{name}.md").read_text(), re.MULTILINE)
        assert list(dict.fromkeys(groups)) == ["stories", *theirs, "less, reduced"]
    assert "GAM (Sum Fusion)" not in (paths.PAPER_TABLES / "main.md").read_text()
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["main"]
    assert list(summary) == ["less"]


def test_several_seeds(workspace: Workspace) -> None:
    workspace.edit({"grid": {"seeds": [0, 1, 2, 3]}})
    for seed, loss in enumerate([5.0, 5.1, 5.3]):
        write_run("gam", seed, [loss])
    workspace.call(tables)
    half = 4.302653 * 0.1527525 / 3**0.5  # t(0.975, 2) from a printed table; standard deviation by hand
    row = cells("main", "stories", "GAM (Full)")
    assert row[1] == "1.2"  # a count, alike for all seeds
    assert row[5] == f"5.1333 ± {half:.4f}"
    assert row[8] == "3"


def test_what_the_grid_does_not_name_is_left_out(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    workspace.call(tables)
    before = written()
    write_run("gam", 7, [8.5, 9.0])
    write_run("gam", 0, [8.5, 9.0], dataset="other")
    workspace.call(tables)
    assert written() == before


def test_incomplete_runs_do_not_count(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    paths.metrics("stories", "gam", 0).unlink()
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"parameters": 1250000', '"parameters": 1250000,,', "gam/seed-0.json is not valid JSON"),
        ('"parameters": 1250000,', "", "gam/seed-0.json: parameters: Field required"),
        ('"validation_loss": 5.0', '"validation_loss": NaN', "gam/seed-0.json: epochs.1.validation_loss: "),
        ('"validation_loss": 5.0', '"validation_loss": "low"', "gam/seed-0.json: epochs.1.validation_loss: "),
        ('"threads": 2', '"threads": 2, "cores": 8', "gam/seed-0.json: provenance.cores: "),
    ],
)
def test_damaged_results(workspace: Workspace, refusal: Callable[..., str], old: str, new: str, message: str) -> None:
    workspace.call(tables)
    before = written()
    write_run("gam", 0, [4.5, 5.0])
    file = paths.curve("stories", "gam", 0)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert message in refusal(tables)
    assert written() == before


ELSEWHERE = [
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0"},
]


@pytest.mark.parametrize("settings", ELSEWHERE)
def test_same_bytes_everywhere(workspace: Workspace, settings: dict[str, str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    write_run("transformer", 0, [5.0, 5.5])
    workspace.call(tables)
    before = written()
    shutil.rmtree(paths.PAPER_TABLES)
    environment = os.environ | settings | {"PYTHONPATH": str(HOUSE)}
    subprocess.run([sys.executable, "-m", "pipeline.tables"], env=environment, check=True)
    assert written() == before


def test_estimate() -> None:
    """Against a worked example: Student's sleep data, drug 1 (n = 10, mean 0.75, sd 1.78901, t 2.262157)."""
    result = estimate([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    assert result.mean == pytest.approx(0.75)
    assert result.half_width == pytest.approx(2.262157 * 1.78901 / 10**0.5, rel=1e-5)
    assert estimate([1.0, 2.0]).half_width is None


def test_table_on_a_terminal(workspace: Workspace) -> None:
    workspace.call(tables)
    text = for_terminal((paths.PAPER_TABLES / "main.md").read_text())
    assert max(len(line) for line in text.splitlines() if "not run" in line) < 130
    assert "882.57" in text
