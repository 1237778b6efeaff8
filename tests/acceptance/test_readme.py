"""README.md and docs/ keep their word: the example runs, links lead somewhere, numbers are the paper's and ours."""

import json
import math
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import scipy.stats

from gam import GAMConfig, LanguageModel
from pipeline.base.paths import HOUSE
from pipeline.commands.readme import ANSWERS, with_answers
from pipeline.params.schema import load_params
from pipeline.report.published import load_published

README = (HOUSE / "README.md").read_text(encoding="utf-8")
PAGES = {HOUSE / "README.md": README} | {page: page.read_text(encoding="utf-8") for page in HOUSE.glob("docs/*.md")}
NUMBERS = PAGES[HOUSE / "docs" / "numbers.md"]


def test_example_runs_as_it_stands() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("22,599,680 parameters, logits (2, 256, 10000), loss ")


def test_make_targets() -> None:
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    pages = "\n".join(PAGES.values())
    for target in {"".join(pair) for pair in re.findall(r"^make ([a-z0-9-]+)|`make ([a-z0-9-]+)", pages, re.MULTILINE)}:
        assert re.search(rf"^([a-z0-9-]+ )*{target}( [a-z0-9-]+)*:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGES[page]):
        file, _, section = target.partition("#")
        assert (page.parent / file).exists(), target
        if section:
            text = (page.parent / file).read_text(encoding="utf-8").lower()
            headings = {
                re.sub(r"[^\w -]", "", line).replace(" ", "-") for line in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            }
            assert section in headings, target


def test_opens_with_what_the_tables_say() -> None:
    assert with_answers(README, (HOUSE / ANSWERS).read_text(encoding="utf-8")) == README, "call `make tables`"


def test_numbers_of_its_opening_are_those_of_the_files_that_they_link_to() -> None:
    """Differences of loss and times saved, computed anew; the rest is looked up."""
    cells = re.findall(
        r"^\| \[(C\d+)\].*?\[(-?[\d.]+)(?: %)?\]\((results/[^)]+)\) ?(?:\[(\S+), (\S+)\])?.*?(?:, (\w+) runs;|\n)",
        README,
        re.M,
    )
    assert len(cells) >= 4
    recomputed = set()
    for claim, mean, source, low, high, family in cells:
        if claim in ONE_DIFFERENCE:
            differences = paired(HOUSE / source, *ONE_DIFFERENCE[claim], family, best=claim != "C3")
            half_width = scipy.stats.t.ppf(0.975, len(differences) - 1) * statistics.stdev(differences)
            half_width /= math.sqrt(len(differences))
            middle = statistics.mean(differences)
            assert (mean, low, high) == tuple(
                f"{number:z.4f}" for number in (middle, middle - half_width, middle + half_width)
            ), claim
            recomputed.add(claim)
        if claim == "C1":
            made = [each["seconds"] for each in json.loads((HOUSE / source).read_text())["measurements"]]
            (row,) = re.findall(r"^\| \[C1\].*", README, re.M)
            shown = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", row)
            for rival, name in RIVALS.items():
                assert f"vs {name}: {100 * saved_by_gam(made, rival):z.1f} % [" in shown, rival
            recomputed.add(claim)
        assert (HOUSE / source).exists()
    assert recomputed == {"C1", "C3", "C7", "C9", "C10", "C12"}


ONE_DIFFERENCE = {
    "C3": ("transformer", "mamba-residual"),
    "C7": ("gam", "gam-sum-fusion"),
    "C9": ("gam", "gam-global-only"),
    "C10": ("gam-global-only", "gam-local-only"),
    "C12": ("gam", "mamba-residual"),
}
"""Claims whose row shows a difference of loss first: the better model, by the paper, and the worse one."""


RIVALS = {"transformer": "Transformer", "transformer-fused": "fused Transformer", "mamba": "Mamba"}
"""Models whose steps are timed beside GAM's."""


def saved_by_gam(measurements: list[dict[str, list[float]]], rival: str) -> float:
    """Share of the rival's time: median over rounds, mean over measurements."""
    rounds = [zip(each["gam"], each[rival], strict=True) for each in measurements]
    return statistics.mean(1 - statistics.median(ours / theirs for ours, theirs in each) for each in rounds)


def paired(folder: Path, better: str, worse: str, family: str, best: bool) -> list[float]:
    """worse - better by seed, of the models of a family that a folder of curves has."""
    ours, theirs = (losses(folder / (f"{name}-{family}" if family else name), best) for name in (better, worse))
    return [theirs[seed] - ours[seed] for seed in ours if seed in theirs]


def losses(folder: Path, best: bool) -> dict[str, float]:
    epochs = {file.name: json.loads(file.read_text())["epochs"] for file in folder.glob("seed-*.json")}
    values = {file: [epoch["validation_loss"] for epoch in each] for file, each in epochs.items()}
    return {file: min(each) if best else each[-1] for file, each in values.items()}


def test_other_numbers_are_those_of_the_paper_and_of_params() -> None:
    """Each number with its unit; what the text says of it is the text's own."""
    published, params = load_published(), load_params(HOUSE / "params.yaml")
    main, ablation = (table["wikitext-2"]["gam"] for table in (published.main, published.ablation))
    theirs = {name: row.best_perplexity for name, row in published.ablation["wikitext-2"].items()}
    distances = [
        math.log(ablation.best_perplexity / main.perplexity),
        math.log(theirs["global_only"] / theirs["gam"]),
        math.log(theirs["local_only"] / theirs["sum_fusion"]),
    ]
    rules = (HOUSE / "docs" / "statistics.md").read_text(encoding="utf-8")
    for number in (str(main.perplexity), str(ablation.best_perplexity), *(f"{nats:.4f}" for nats in distances)):
        assert re.search(rf"\b{re.escape(number)}\b", rules), number
    gam = params.models["gam"].config(vocab_size=10_000)
    assert isinstance(gam, GAMConfig)
    gate = gam.n_layer * 2 * gam.d_model * (gam.d_model + 1) / LanguageModel(gam).n_parameters()
    small = params.models["gam-small"].config(vocab_size=5)
    text = params.datasets["wikitext-2-v1-small"]
    for number in (
        str(main.perplexity),
        str(ablation.best_perplexity),
        f"{gam.n_layer * (gam.kernel_size - 1) + 1} tokens",
        f"{100 * gate:.0f} %",
        f"d = {small.d_model}",
        f"{small.n_layer} layers",
        f"{text.vocab_size:,}",
    ):
        assert number in NUMBERS, number
