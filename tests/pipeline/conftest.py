"""Made-up results of whole grids, and what the tables say of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.records import Provenance
from pipeline.base import paths
from pipeline.params.reading import read_yaml
from pipeline.tables import main as tables
from tests.conftest import Workspace, reduced_family
from tests.made_up import STAMP, write_ngrams, write_run
from tests.made_up_costs import scaling_point, write_scaling

RUN = ("--dataset", "stories", "--model", "gam", "--seed", "0")


def run(name: str, model: str = "gam", seed: int = 0) -> Path:
    return {"weights": paths.weights, "curve": paths.curve, "clock": paths.clock, "metrics": paths.metrics}[name](
        "stories", model, seed
    )


RECALL: dict[str, Any] = {
    "models": ["gam", "transformer"],
    "facts_models": ["gam", "gam-sum-fusion"],
    "training": {"seeds": [0, 1, 2]},
    "copying": {"distances": [1, 2, 5, 6], "tuned": [1], "asked": 8, "symbols": 4},
    "associative": {"lengths": [16], "pairs": [3], "tuned": [16], "keys": 5, "values": 4},
    "facts": {"pairs": [20, 40], "tuned": [20], "values": 4},
}
"""Tasks for models that see 32 tokens; the convolutions of the tiny GAM see 5."""
ABLATIONS = {"gam-sum-fusion": {}, "gam-global-only": {"local": False}, "gam-local-only": {"memory": False}}
SEEDS = [0, 1, 2, 3, 4]
FAR_ABOVE = (20.0, 15.0)
"""Losses of a unigram and of a bigram count that every made-up model beats."""


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, as the working folder: for what reads no params.yaml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_all_models(workspace: Workspace) -> Workspace:
    """A family with all six models of the paper, five seeds each."""
    base = read_yaml(workspace.folder / "params.yaml")["models"]["gam"]
    workspace.edit(
        {
            "families": {
                "paper": {
                    "models": ["transformer", "mamba", "gam"],
                    "seeds": SEEDS,
                    "others": {"models": list(ABLATIONS), "seeds": SEEDS},
                }
            },
            "timing": {"measurements": 5},
            "scaling": {"models": ["transformer", "gam"]},
            "models": {name: base | {"gate": False} | change for name, change in ABLATIONS.items()},
        }
    )
    return workspace


@pytest.fixture
def grid(workspace: Workspace) -> Workspace:
    return with_all_models(workspace)


@pytest.fixture
def reduced(grid: Workspace) -> Workspace:
    """The same with a family beside it, which has no Mamba and one ablation."""
    grid.edit(reduced_family(read_yaml(grid.folder / "params.yaml")))
    grid.edit({"families": {"reduced": {"seeds": SEEDS}}})
    return grid


def write_losses(counts: tuple[float, float] | None = FAR_ABOVE, **losses: float) -> None:
    """Runs of all seeds; a seed shifts all models alike, by 2 in the mean, and each model a little by itself."""
    if counts:
        write_ngrams(*counts)
    for at, (model, loss) in enumerate(losses.items()):
        for seed in SEEDS:
            last = loss + seed + 0.0001 * seed * at
            write_run(model.replace("_", "-"), seed, [last - 0.5, last])


def write_reduced(seeds: list[int], gam: float = 5.0) -> None:
    write_ngrams(*FAR_ABOVE, dataset="less")
    for seed in seeds:
        write_run("gam-reduced", seed, [gam + seed], dataset="less")
        write_run("transformer-reduced", seed, [5.1 + 1.001 * seed], dataset="less")


def growing(
    workspace: Workspace, model: str, power: float, longest: int, stamp: Provenance = STAMP, noise: float = 0.0
) -> None:
    """Time and memory that grow with a power of the length; the cap holds no more than the `longest`."""
    lengths = [1024, 2048, 4096, 8192, 16384]
    workspace.edit({"scaling": {"cpu": {"lengths": lengths}}})
    costs = {length: (length / 1024) ** power for length in lengths}
    points = [
        scaling_point(length, cost, 100 * cost, fits_cap=length <= longest, noise=noise)
        for length, cost in costs.items()
    ]
    write_scaling(model, points, stamp)


def verdicts(workspace: Workspace, dataset: str = "stories", family: str = "paper") -> dict[str, str]:
    workspace.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    (answers,) = summary["devices"].values() if dataset == "devices" else [summary[dataset][family]]
    return {claim: answer["verdict"] for claim, answer in answers.items()}


ELSEWHERE = [
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "MPLBACKEND": "svg"},
]


def written(folder: Path = paths.PAPER_TABLES) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def cells(name: str, dataset: str, label: str) -> list[str]:
    """The numbers of one row of a Markdown table."""
    lines = (paths.PAPER_TABLES / f"{name}.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return next(row[2:] for row in rows if row[:2] == [dataset, label])
