"""The README keeps its word: its example runs, and its numbers are those of the results and of the paper."""

import json
import math
import re
import statistics
import subprocess
import sys

import scipy.stats

from gam import GAMConfig, LanguageModel
from pipeline.base.paths import HOUSE
from pipeline.commands.readme import FINDING, with_finding
from pipeline.params.schema import load_params
from pipeline.report.published import load_published

README = (HOUSE / "README.md").read_text(encoding="utf-8")


def test_example_runs_as_it_stands() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("22,599,680 parameters, logits (2, 256, 10000), loss ")


def test_make_targets() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    for target in {"".join(pair) for pair in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", README, re.MULTILINE)}:
        assert re.search(rf"^([a-z-]+ )*{target}( [a-z-]+)*:", makefile, re.MULTILINE), target


def test_opens_with_what_the_tables_say() -> None:
    assert with_finding(README, (HOUSE / FINDING).read_text(encoding="utf-8")) == README, "call `make tables`"


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
    """Each number with its unit; what the text says of it is the text's own."""
    published, params = load_published(), load_params(HOUSE / "params.yaml")
    main, ablation = (table["wikitext-2"]["gam"] for table in (published.main, published.ablation))
    theirs = {name: row.best_perplexity for name, row in published.ablation["wikitext-2"].items()}
    distances = [
        math.log(ablation.best_perplexity / main.perplexity),
        math.log(theirs["gam-global-only"] / theirs["gam"]),
        math.log(theirs["gam-local-only"] / theirs["gam-sum-fusion"]),
    ]
    rules = (HOUSE / "docs" / "statistics.md").read_text(encoding="utf-8")
    for number in (str(main.perplexity), str(ablation.best_perplexity), *(f"{nats:.4f}" for nats in distances)):
        assert re.search(rf"\b{re.escape(number)}\b", rules), number
    gam = params.models["gam"].config(vocab_size=10_000)
    assert isinstance(gam, GAMConfig)
    gate = gam.n_layer * 2 * gam.d_model * (gam.d_model + 1) / LanguageModel(gam).n_parameters()
    reduced = params.models["gam-reduced"].config(vocab_size=5)
    text = params.datasets["wikitext-2-v1-reduced"]
    for number in (
        str(main.perplexity),
        str(ablation.best_perplexity),
        f"{gam.n_layer * (gam.kernel_size - 1) + 1} tokens",
        f"{100 * gate:.0f} %",
        f"d = {reduced.d_model}",
        f"{reduced.n_layer} layers",
        f"{text.rows['train']:,} rows",
        f"{text.vocab_size:,}",
    ):
        assert number in README, number
