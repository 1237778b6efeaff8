"""Tables from result files: every number from a file, the same bytes everywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from pipeline.artifacts.records import Clock, Code
from pipeline.artifacts.storage import read_result, write_result
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.params.reading import read_yaml
from pipeline.tables import main as tables
from tests.conftest import Workspace, reduced_family
from tests.made_up import (
    STAMP,
    write_ngrams,
    write_run,
)
from tests.pipeline.conftest import ELSEWHERE, cells, written


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
    verdicts = {claim: answer["verdict"] for claim, answer in summary["claims"]["stories"]["paper"].items()}
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


def test_a_machine_is_named_once_with_its_commits(workspace: Workspace) -> None:
    """So that the notes of a table stay as short as its list of machines, whatever number of commits made it."""
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}})
    codes = [Code(commit=name * 40, sha256="0" * 64) for name in "cb"] + [Code(commit=None, sha256="d" * 64)]
    for seed, code in enumerate(codes):
        write_run("gam", seed, [4.5], stamp=STAMP.model_copy(update={"code": code, "threads": 1}))
    workspace.call(tables)
    notes = [line for line in (paths.PAPER_TABLES / "main.md").read_text().splitlines() if "Reproduced on" in line]
    assert len(notes) == 1
    assert "(cpu, 1 thread, deterministic)" in notes[0]
    assert notes[0].endswith("; commits bbbbbbbbbbbb, cccccccccccc, sources dddddddddddd.")


def test_counts_beside_the_models(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.call(tables)
    assert cells("main", "stories", "Bigram count") == ["–"] * 5 + ["not run", "–", "not run", "–"]
    write_ngrams(6.0, 5.0)
    workspace.call(tables)
    assert cells("main", "stories", "Unigram count") == ["–"] * 5 + ["6.0000", "–", "600.00", "–"]
    assert cells("main", "stories", "Bigram count")[5:8] == ["5.0000", "–", "500.00"]
    assert cells("main", "stories", "Trigram count")[5:8] == ["not run", "–", "not run"]  # an older file
    assert "| wikitext-2 | Unigram" not in (paths.PAPER_TABLES / "main.md").read_text()  # no family has it
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert summary["main"]["stories"]["bigram"] == {"validation_loss": 5.0, "validation_perplexity": 500.0}
    write_ngrams(6.0, 5.0, trigram=4.0)
    workspace.call(tables)
    assert cells("main", "stories", "Trigram count")[5:8] == ["4.0000", "–", "400.00"]
    write_run("gam", 0, [4.5, 5.0], stamp=STAMP.model_copy(update={"data": {"train": "2" * 64}}))
    assert "ngrams/stories.json and results/curves/stories/gam/seed-0.json come from different" in refusal(tables)


def test_perplexity_that_no_float_holds(workspace: Workspace) -> None:
    write_run("gam", 0, [799.5, 800.0])
    workspace.call(tables)
    assert cells("ablation", "stories", "GAM (Full)")[-3:] == ["overflow", "overflow", "1"]


def test_a_family_beside_the_paper_s(workspace: Workspace) -> None:
    """A group of its own below the paper's data sets, without published numbers; the others in their own table."""
    workspace.edit(reduced_family(read_yaml(workspace.folder / "params.yaml")))
    workspace.edit({"families": {"reduced": {"seeds": [0, 1, 2, 3, 4]}}})
    write_ngrams(9.0, 8.0, dataset="less")
    for seed in range(5):
        for model, loss in (("transformer-reduced", 5.5), ("gam-reduced", 5.0), ("gam-sum-fusion-reduced", 4.0)):
            write_run(model, seed, [loss + seed], dataset="less")
    workspace.call(tables)
    half = f"{2.776445 * 2.5**0.5 / 5**0.5:.4f}"  # t(0.975, 4) from a printed table; variance 2.5
    assert cells("main", "less, reduced", "Transformer")[4:6] == ["–", f"7.5000 ± {half}"]
    assert cells("main", "less, reduced", "GAM (Full)")[4:6] == ["–", f"**7.0000 ± {half}**"]
    assert cells("ablation", "less, reduced", "GAM (Full)")[-1] == "5"
    assert cells("ablation", "less, reduced", "GAM (Sum Fusion)")[-1] == "5"
    for name, theirs in (("main", ["wikitext-2", "tinystories"]), ("ablation", ["wikitext-2"])):
        groups = re.findall(r"^\| ([a-z].*?) +\|", (paths.PAPER_TABLES / f"{name}.md").read_text(), re.MULTILINE)
        assert list(dict.fromkeys(groups)) == ["stories", *theirs, "less, reduced"]
    assert "GAM (Sum Fusion)" not in (paths.PAPER_TABLES / "main.md").read_text()
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["main"]
    assert list(summary) == ["less"]


def test_seconds_are_the_median_of_all_epochs(workspace: Workspace) -> None:
    """Whatever one run was held up by; and without an interval."""
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}})
    for seed in range(3):
        write_run("gam", seed, [5.0, 4.0, 3.0])  # 10, 20 and 30 s
    clock = read_result(paths.clock("stories", "gam", 2), Clock)
    assert clock is not None
    slow = [epoch.model_copy(update={"train_seconds": 9000.0}) for epoch in clock.epochs]
    write_result(paths.clock("stories", "gam", 2), clock.model_copy(update={"epochs": slow}))
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[3] == "30.0"
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert summary["main"]["stories"]["gam"]["epoch_seconds"] == 30.0


def test_several_seeds(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2, 3]}}})
    for seed, loss in enumerate([5.0, 5.1, 5.3]):
        write_run("gam", seed, [loss])
    workspace.call(tables)
    half = 4.302653 * 0.1527525 / 3**0.5  # t(0.975, 2) from a printed table; standard deviation by hand
    row = cells("main", "stories", "GAM (Full)")
    assert row[1] == "1.2"  # a count, alike for all seeds
    assert row[5] == f"5.1333 ± {half:.4f}"
    assert row[8] == "3"


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
