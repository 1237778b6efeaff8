"""The paper's claims from made-up results: what each is judged by, and what it needs."""

import json
import re
import shutil

import pytest

from pipeline.artifacts.records import LayerGates, Provenance
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.paper import ON_MACHINES, ON_TINYSTORIES, ON_WIKITEXT
from pipeline.commands.prune import main as prune
from pipeline.params.reading import read_yaml
from pipeline.report.published import load_published
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

ABLATIONS = {"gam-sum-fusion": "sum_fusion", "gam-global-only": "global_only", "gam-local-only": "local_only"}
SEEDS = [0, 1, 2]


@pytest.fixture
def grid(workspace: Workspace) -> Workspace:
    """A grid with all six models of the paper, three seeds each."""
    models = {name: {"gate": False} for name in ABLATIONS}
    base = read_yaml(workspace.folder / "params.yaml")["models"]["gam"]
    workspace.edit(
        {
            "grid": {
                "models": ["transformer", "mamba", "gam"],
                "seeds": SEEDS,
                "ablation_models": list(ABLATIONS),
                "scaling_models": ["transformer", "gam"],
            },
            "models": {name: base | change for name, change in models.items()},
            "claims": {"families": {"paper": {"mamba": "mamba"} | {role: name for name, role in ABLATIONS.items()}}},
        }
    )
    return workspace


def write_losses(**losses: float) -> None:
    """Runs of all seeds; a seed shifts all models alike, and each model a little by itself."""
    for at, (model, loss) in enumerate(losses.items()):
        for seed in SEEDS:
            last = loss + seed + 0.0001 * seed * at
            write_run(model.replace("_", "-"), seed, [last - 0.5, last])


def verdicts(workspace: Workspace, dataset: str = "stories", family: str = "paper") -> dict[str, str]:
    workspace.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    found: dict[str, str] = summary["machine"] if dataset == "machine" else summary[dataset][family]
    return found


def test_the_opening_of_the_readme_tells_what_could_be_judged(grid: Workspace) -> None:
    grid.call(tables)
    nothing = (paths.PAPER_TABLES / "finding.md").read_text()
    assert "| stories | d = 16, 2 layers, float32 | not run | not run | not run | 0 |" in nothing
    assert (
        "\n\nNone yet.\n\nNot run:\n\n- time and memory, any text, d = 16, 2 layers, T = 32: C1, C2, C5, C6\n"
        in nothing
    )
    write_losses(gam=4.0, transformer=5.0)
    write_run("mamba", 0, [5.5, 6.0])
    grid.call(tables)
    some = (paths.PAPER_TABLES / "finding.md").read_text()
    assert "[5.0000 ± 2.4841](../results/curves/stories/gam) | 1 to 3 |" in some
    assert "[6.0000](../results/curves/stories/mamba)" in some
    assert "None yet." in some
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)
    grid.call(tables)
    told = (paths.PAPER_TABLES / "finding.md").read_text().splitlines()
    at = told.index("*stories, family paper, d = 16, 2 layers, T = 32*")
    first = told[at + 2]
    assert first.startswith(
        "- C3, “On WikiText-2 loss: GAM < Transformer < Mamba” (the paper: 0.0405 and 0.1018 nats): "
    )
    assert ": **reproduced**. Transformer − GAM: +1.0001 [" in first
    assert first.endswith("n = 3.")


@pytest.mark.parametrize(
    ("unigram", "bigram", "told", "remark"),
    [
        (5.0, 4.5, "0.0000 nats below that of a unigram count", "no model learned more than frequencies"),
        (5.009, 4.5, "0.0090 nats below that of a unigram count", "no model learned more than frequencies"),
        (5.1, 4.9, "0.1000 nats above that of a bigram count", "no model beats a bigram count"),
        (6.1, 5.1, "0.1000 nats below that of a bigram count", ""),
    ],
)
def test_what_the_losses_are_worth(grid: Workspace, unigram: float, bigram: float, told: str, remark: str) -> None:
    """A verdict on models that did not learn says so; the verdict stays what the rule makes it."""
    write_ngrams(unigram, bigram)
    grid.call(tables)
    finding, claims = (paths.PAPER_TABLES / name for name in ("finding.md", "claims.md"))
    link = "(../results/ngrams/stories.json)"
    assert f"| not run | 0 | [{unigram:.4f}]{link} | [{bigram:.4f}]{link} |" in finding.read_text()
    assert "the lowest mean loss" not in finding.read_text()
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)  # GAM's mean is 5: each seed adds one to the one before
    assert verdicts(grid)["C3"] == "reproduced"
    for file in (finding, claims):
        text = file.read_text()
        assert "- stories, family paper, 10 steps: the lowest mean loss of a model lies " in text
        assert told in text
        assert (f"So {remark}: verdicts by losses" in text) == bool(remark)
        assert (f"**reproduced ({remark})**" in text) == bool(remark)
        assert ("**reproduced**" in text) != bool(remark)
    grid.edit({"models": {"mamba": {"block_size": 16}}})
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)
    grid.call(tables)
    assert "the lowest mean loss" not in claims.read_text()  # counted in larger blocks than Mamba saw


def test_every_claim_of_the_paper_is_judged() -> None:
    judged = ON_MACHINES.keys() | ON_WIKITEXT.keys() | ON_TINYSTORIES.keys()
    assert judged == load_published().claims.keys() == {f"C{number}" for number in range(1, 13)}


def test_nothing_run(grid: Workspace) -> None:
    for dataset in ("machine", "stories", "wikitext-2", "tinystories"):
        assert set(verdicts(grid, dataset).values()) == {"not run"}


def test_the_paper_is_right(grid: Workspace) -> None:
    write_losses(gam=5.0, transformer=5.1, mamba=5.2, gam_global_only=5.04, gam_sum_fusion=5.1, gam_local_only=5.2)
    found = verdicts(grid)
    assert {name: found[name] for name in ("C3", "C7", "C9", "C10", "C12")} == dict.fromkeys(
        ("C3", "C7", "C9", "C10", "C12"), "reproduced"
    )
    assert found["C8"] == "not reproduced"  # Global Only is not within the margin, and GAM sees 5 tokens
    text = (paths.PAPER_TABLES / "claims.md").read_text()
    assert "Transformer − GAM: +0.1001 [" in text
    assert "P = 1.00" in text
    assert "reach of GAM's logits: 5 tokens; convolutions alone: 5" in text


def test_the_paper_is_wrong(grid: Workspace) -> None:
    write_losses(gam=5.2, transformer=5.1, mamba=5.0, gam_global_only=5.2, gam_sum_fusion=5.2, gam_local_only=5.0)
    found = verdicts(grid)
    assert {found[name] for name in ("C3", "C7", "C8", "C9", "C10", "C12")} == {"not reproduced"}


def test_every_comparison_of_a_claim_shows_its_interval(grid: Workspace) -> None:
    write_losses(gam=5.0, transformer=5.1, mamba=5.2)
    verdicts(grid)
    lines = (paths.PAPER_TABLES / "claims.md").read_text().splitlines()
    row = next(line for line in lines if "| C12 " in line)
    for other in ("Transformer", "Mamba"):
        for epoch in (1, 2):
            assert re.search(rf"{other} − GAM, epoch {epoch}: \S+ \[\S+, \S+\] nats, P = 1.00 \(reproduced\)", row)


def test_one_seed_is_inconclusive(grid: Workspace) -> None:
    grid.edit({"grid": {"seeds": [0]}})
    write_losses(gam=5.0, transformer=5.1, mamba=5.2, gam_global_only=5.04, gam_sum_fusion=5.1, gam_local_only=5.2)
    found = verdicts(grid)
    assert {found[name] for name in ("C3", "C7", "C9", "C10", "C12")} == {"inconclusive"}
    assert "(n = 1)" in (paths.PAPER_TABLES / "claims.md").read_text()


def test_no_verdict_before_all_seeds_ran(grid: Workspace) -> None:
    """However clear the first three pairs are: whoever could stop there could choose when."""
    write_losses(gam=5.0, transformer=5.1, mamba=5.2, gam_global_only=5.04, gam_sum_fusion=5.1, gam_local_only=5.2)
    grid.edit({"grid": {"seeds": [*SEEDS, 7]}})
    found = verdicts(grid)
    assert {found[name] for name in ("C3", "C7", "C8", "C9", "C10", "C11", "C12")} == {"not run"}
    text = (paths.PAPER_TABLES / "claims.md").read_text()
    assert "Transformer − GAM: +0.1001 [" in text
    assert "**" not in (paths.PAPER_TABLES / "main.md").read_text()


@pytest.mark.parametrize(("effect", "verdict"), [(0.2, "reproduced"), (0.002, "not reproduced")])
def test_gates(grid: Workspace, effect: float, verdict: str) -> None:
    write_losses(gam=5.0)
    for seed in SEEDS:
        gates = [LayerGates(function_words=0.3 + effect + seed / 1000, content_words=0.3) for _ in range(2)]
        write_metrics(run_fields("gam", seed), gates=gates)
    assert verdicts(grid)["C11"] == verdict


@pytest.mark.parametrize(("gam", "verdict"), [(0.9, "reproduced"), (0.99, "not reproduced"), (1.2, "not reproduced")])
def test_speed(grid: Workspace, gam: float, verdict: str) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=gam)
    found = verdicts(grid, "machine")
    assert found["C2"] == verdict
    assert "Test & Device_1 (cpu)" in (paths.PAPER_TABLES / "claims.md").read_text()


def test_no_verdict_rests_on_a_slow_opponent(grid: Workspace) -> None:
    write_timing(**{"transformer": 1.0, "transformer-fused": 0.9, "mamba": 1.1, "gam": 0.9})
    found = verdicts(grid, "machine")
    assert found["C1"] == found["C2"] != "reproduced"


def test_a_mamba_without_its_kernels_is_timed_and_not_judged(grid: Workspace) -> None:
    seconds = {"transformer": 1.0, "mamba": 0.5, "gam": 0.9}
    write_timing(**seconds)
    assert verdicts(grid, "machine")["C1"] == "reproduced"
    row = next(row for row in (paths.PAPER_TABLES / "claims.md").read_text().splitlines() if "| C1 " in row)
    assert "against mamba (Mamba's scan by plain torch): -80.0 [-80.0, -80.0] % (not judged)" in row
    write_timing(STAMP.model_copy(update={"mamba_kernels": True}), **seconds)
    assert verdicts(grid, "machine")["C1"] == "not reproduced"


def test_the_paper_s_effects_that_the_margin_hides(grid: Workspace) -> None:
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "the paper's own effect in C9 (0.0051) and C10 (0.0022): measured" in claims.read_text()
    grid.edit({"claims": {"margin_nats": 0.002}})
    grid.call(tables)
    assert "the paper's own effect" not in claims.read_text()


def test_times_of_other_models_do_not_count(grid: Workspace) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    assert verdicts(grid, "machine")["C1"] == "reproduced"
    grid.edit({"models": {"mamba": {"d_state": 5}}})
    assert verdicts(grid, "machine")["C1"] == "not run"


def growing(workspace: Workspace, model: str, power: float, longest: int, stamp: Provenance = STAMP) -> None:
    lengths = [1024, 2048, 4096, 8192]
    workspace.edit({"scaling": {"cpu": {"lengths": lengths}}})
    points = []
    for length in lengths:
        time = (length / 1024) ** power
        points.append(scaling_point(length, "device", [time, time], 100 * time))
        fits = length <= longest
        points.append(scaling_point(length, "t4", [time, time] if fits else [], 1.0 if fits else None))
    write_scaling(model, points, stamp)


@pytest.mark.parametrize(
    ("gam_power", "power", "longest", "c5", "c6"),
    [
        (1.0, 2.0, 2048, "reproduced", "reproduced"),
        (1.0, 1.5, 2048, "reproduced", "not reproduced"),
        (1.3, 2.0, 4096, "not reproduced", "not reproduced"),
        (1.0, 2.0, 1024, "reproduced", "not reproduced"),
    ],
)
def test_growth(grid: Workspace, gam_power: float, power: float, longest: int, c5: str, c6: str) -> None:
    growing(grid, "gam", gam_power, 8192)
    growing(grid, "transformer", power, longest)
    found = verdicts(grid, "machine")
    assert (found["C5"], found["C6"]) == (c5, c6)


def test_two_devices_do_not_compare(grid: Workspace) -> None:
    growing(grid, "gam", 1.0, 8192)
    growing(grid, "transformer", 2.0, 2048, STAMP.model_copy(update={"device": "another"}))
    found = verdicts(grid, "machine")
    assert (found["C5"], found["C6"]) == ("reproduced", "not run")


def test_hardware_and_size_stand_in_the_row(grid: Workspace) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    growing(grid, "gam", 1.0, 8192)
    verdicts(grid)
    rows = {row.split("|")[2].strip(): row for row in (paths.PAPER_TABLES / "claims.md").read_text().splitlines()[2:]
            if row.startswith("|")}  # fmt: skip
    assert "(16 x 32 tokens, float32, on Test & Device_1 (cpu))" in rows["C1"]
    assert "against mamba (Mamba's scan by plain torch)" in rows["C1"]
    assert "(one block, d = 16, batch 1, float32, on Test & Device_1 (cpu))" in rows["C5"]


def test_prune(grid: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_losses(gam=5.0, transformer=5.1)
    growing(grid, "gam", 1.0, 8192)
    write_ngrams(6.0, 5.0)
    shutil.copy(paths.ngrams("stories"), paths.ngrams("gone"))
    grid.edit({"grid": {"seeds": [0, 1], "scaling_models": ["transformer"]}})
    grid.call(prune)
    removed = {line.removeprefix("removed ") for line in capsys.readouterr().out.splitlines()[:-1]}
    files = {
        path("stories", model, 2)
        for path in (paths.curve, paths.clock, paths.metrics)
        for model in ("gam", "transformer")
    }
    assert removed == {str(file) for file in files | {paths.scaling("gam"), paths.ngrams("gone")}}
    assert paths.curve("stories", "gam", 1).exists()
    grid.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"


def test_the_shipped_families_name_the_roles() -> None:
    families = read_yaml(HOUSE / "params.yaml")["claims"]["families"]
    assert families["paper"] == {"transformer": "transformer", "mamba": "mamba", "gam": "gam"} | {
        role: name for name, role in ABLATIONS.items()
    }
    assert families["reduced"] == {role: f"{name}-reduced" for role, name in families["paper"].items()}
    assert {role: name for role, name in families["bfloat16"].items() if name} == {
        "transformer": "transformer-bfloat16",
        "gam": "gam-bfloat16",
    }


@pytest.fixture
def reduced(grid: Workspace) -> Workspace:
    """The same with a grid beside it, whose family has no Mamba and one ablation."""
    grid.edit(reduced_grid(read_yaml(grid.folder / "params.yaml")))
    return grid


def write_reduced(seeds: list[int], gam: float = 5.0) -> None:
    for seed in seeds:
        write_run("gam-reduced", seed, [gam + seed], dataset="less")
        write_run("transformer-reduced", seed, [5.1 + 1.001 * seed], dataset="less")


@pytest.mark.parametrize(("gam", "verdict"), [(5.0, "reproduced"), (5.2, "not reproduced")])
def test_a_role_that_nobody_plays_holds_nothing_back(reduced: Workspace, gam: float, verdict: str) -> None:
    reduced.edit({"grid": {"seeds": [0, 1, 2, 3, 4]}})  # the other grid's
    write_reduced(SEEDS, gam)
    found = verdicts(reduced, "less", "reduced")
    assert {found[name] for name in ("C3", "C12")} == {verdict}
    assert {name: found[name] for name in ("C7", "C8", "C9", "C10")} == {
        "C7": "not run",
        "C8": "not reproduced",  # by GAM's reach, all that it can be judged by here
        "C9": "not judged",
        "C10": "not judged",
    }
    rows = [row for row in (paths.PAPER_TABLES / "claims.md").read_text().splitlines() if "family reduced" in row]
    told = {row.split("|")[2].strip(): row.split("|")[5].strip() for row in rows}
    assert told["C3"].startswith("Transformer − GAM: ")
    for name in ("C3", "C12"):
        assert told[name].endswith("; no Mamba in this family")
    assert told["C10"] == "no Local Only, no Global Only in this family"


def test_a_family_waits_for_the_seeds_of_its_own_grid(reduced: Workspace) -> None:
    reduced.edit({"grid": {"seeds": [0, 1]}})
    write_reduced([0, 1])
    assert verdicts(reduced, "less", "reduced")["C3"] == "not run"
    write_reduced([2])
    assert verdicts(reduced, "less", "reduced")["C3"] == "reproduced"


def test_a_family_is_judged_on_the_data_sets_of_its_grid(reduced: Workspace) -> None:
    reduced.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    families = {dataset: list(found) for dataset, found in summary.items() if dataset != "machine"}
    assert families == {"stories": ["paper"], "wikitext-2": ["paper"], "tinystories": ["paper"], "less": ["reduced"]}
    reduced.edit({"cpu_grids": {"reduced": {"datasets": []}}})
    reduced.call(tables)
    assert "family reduced" not in (paths.PAPER_TABLES / "claims.md").read_text()


def test_prune_knows_every_grid(reduced: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write_reduced(SEEDS)
    reduced.call(prune)
    assert capsys.readouterr().out == "nothing to remove\n"
    reduced.edit({"cpu_grids": {"reduced": {"seeds": [0, 1]}}})
    reduced.call(prune)
    assert capsys.readouterr().out.splitlines()[-1] == "6 files that the grids no longer name"
