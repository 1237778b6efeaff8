"""The README keeps its word."""

import json
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import scipy.stats

from gam import GAMConfig, LanguageModel
from pipeline.base.paths import HOUSE
from pipeline.commands.readme import BEGIN, END, FINDING, with_finding
from pipeline.commands.readme import main as readme
from pipeline.params.schema import load_params
from pipeline.report.published import load_published

README = (HOUSE / "README.md").read_text(encoding="utf-8")


def test_example_runs_as_it_stands() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("22,599,680 parameters, logits (2, 256, 10000), loss ")


def test_every_file_of_the_tree_exists_and_is_named() -> None:
    (tree,) = re.findall(r"## What lies where\n\n```\n(.*?)```", README, re.DOTALL)
    named = set(re.findall(r"\b[a-z_]+\.(?:py|yaml)\b", tree))
    there = {file.name for folder in ("gam", "pipeline") for file in (HOUSE / folder).rglob("*.py")}
    there |= {"params.yaml", "dvc.yaml", "published.yaml"}
    unnamed = {"__init__.py", "feed_forward.py", "causal_convolution.py", "memory_retrieval.py", "selective_scan.py"}
    unnamed |= {
        "attention.py",
        "autocast.py",
        "cross_entropy.py",
        "dropout.py",
        "mamba_kernels.py",
        "published.py",
        "table.py",
    }
    assert named <= there
    assert there - named <= unnamed


def test_make_targets() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    for target in {"".join(pair) for pair in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", README, re.MULTILINE)}:
        assert re.search(rf"^([a-z-]+ )*{target}( [a-z-]+)*:", makefile, re.MULTILINE), target


def test_opens_with_what_the_tables_say() -> None:
    assert with_finding(README, (HOUSE / FINDING).read_text(encoding="utf-8")) == README, "call `make tables`"
    table = [line for line in README.split(BEGIN)[1].split(END)[0].splitlines() if line.startswith("|")]
    assert len(table) <= 10


def test_an_opening_that_cannot_be_written_is_told_in_one_line(refusal: Callable[..., str]) -> None:
    assert "README.md is missing: restore it from git" in refusal(readme)
    Path("README.md").write_text("By hand.\n")
    assert "finding.md is missing: run `dvc repro -s -f tables`" in refusal(readme)
    FINDING.parent.mkdir()
    FINDING.write_text("None yet.\n")
    assert "README.md lacks the lines <!-- finding --> and" in refusal(readme)
    assert Path("README.md").read_text() == "By hand.\n"


def test_numbers_of_its_opening_are_those_of_the_files_that_they_link_to() -> None:
    cells = re.findall(r"\[([\d.]+)(?: ± ([\d.]+))?\]\((results/curves/[^)]+)\)", README)
    assert cells
    for mean, half_width, folder in cells:
        files = sorted((HOUSE / folder).glob("seed-*.json"))
        losses = [json.loads(file.read_text())["epochs"][-1]["validation_loss"] for file in files]
        assert f"{statistics.mean(losses):.4f}" == mean, folder
        if half_width:
            quantile = scipy.stats.t.ppf(0.975, len(losses) - 1)
            assert f"{quantile * statistics.stdev(losses) / math.sqrt(len(losses)):.4f}" == half_width, folder


def test_counts_in_its_opening_are_those_of_the_files_that_they_link_to() -> None:
    cells = re.findall(r"\[([\d.]+)\]\((results/ngrams/[^)]+)\)", README)
    assert cells
    for at, (shown, file) in enumerate(cells):
        models = json.loads((HOUSE / file).read_text())["models"]
        assert f"{models[('unigram', 'bigram')[at % 2]]['validation']['loss']:.4f}" == shown, file


def test_other_numbers_are_those_of_the_paper_and_of_params() -> None:
    published, params = load_published(), load_params(HOUSE / "params.yaml")
    main, ablation = (table["wikitext-2"]["gam"] for table in (published.main, published.ablation))
    assert f"{main.perplexity} (Table 1) and {ablation.best_perplexity} (Table 3)" in README
    rules = (HOUSE / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert f"({main.perplexity} and {ablation.best_perplexity} for the full GAM)" in rules
    assert f"their distance of {math.log(ablation.best_perplexity / main.perplexity):.4f} nats" in rules
    theirs = {name: row.best_perplexity for name, row in published.ablation["wikitext-2"].items()}
    c9, c10 = (
        math.log(theirs[worse] / theirs[better])
        for worse, better in (("gam-global-only", "gam"), ("gam-local-only", "gam-sum-fusion"))
    )
    assert f"C9 ({c9:.4f} nats) and C10 ({c10:.4f} behind Sum Fusion)" in rules
    gam = params.models["gam"].config(vocab_size=10_000)
    assert isinstance(gam, GAMConfig)
    reach = gam.n_layer * (gam.kernel_size - 1) + 1
    assert f"`layers * (kernel - 1) + 1` = {reach} tokens" in README
    gate = gam.n_layer * 2 * gam.d_model * (gam.d_model + 1) / LanguageModel(gam).n_parameters()
    assert f"the gate is {gate:.0%} of GAM".replace("%", " %") in README
    reduced = params.models["gam-reduced"].config(vocab_size=5)
    text = params.datasets["wikitext-2-v1-reduced"]
    assert f"all six models at d = {reduced.d_model} with {reduced.n_layer} layers" in README
    assert f"the first {text.rows['train']:,} rows of that text, vocabulary {text.vocab_size:,}" in README
