"""The opening of the README, from made-up results."""

import re

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up_costs import write_timing
from tests.pipeline.conftest import SEEDS, write_losses, write_reduced


def rows(workspace: Workspace) -> dict[str, list[str]]:
    """The cells of answers.md by claim, in their order."""
    workspace.call(tables)
    lines = (paths.PAPER_TABLES / "answers.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines if line.startswith("| [C")]
    return {re.findall(r"\[(C\d+)\]", first)[0]: rest for first, *rest in cells}


def test_twelve_rows_whatever_was_run(grid: Workspace) -> None:
    nothing = rows(grid)
    assert list(nothing) == [f"C{number}" for number in range(1, 13)]
    assert {tuple(cells[1:]) for cells in nothing.values()} == {("not run", "not run", "–")}
    write_losses(gam=4.0, transformer=5.0, mamba=6.0)
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    some = rows(grid)
    assert list(some) == ["C1", "C2", "C3", "C12", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11"]
    assert some["C2"][1:3] == ["as C1: a step takes as long on every text", "**reproduced**"]
    assert some["C3"][0] == "Transformer − GAM: 0.0405 nats, Mamba − Transformer: 0.1018"
    assert some["C3"][1] == (
        "Transformer − GAM: [1.0002](../results/curves/stories) [1.0000, 1.0004] nats; "
        "Mamba − Transformer: 1.0002 [1.0000, 1.0004] nats"
    )
    assert some["C3"][2:] == ["**reproduced**; secondary", "stories; d = 16, 2 layers; 5 seeds"]


def test_smaller_models_stand_between_the_paper_s_size_and_what_was_not_run(reduced: Workspace) -> None:
    small = {name: {"n_layer": 1} for name in ("gam-reduced", "transformer-reduced", "gam-sum-fusion-reduced")}
    reduced.edit({"models": small})
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    write_reduced(SEEDS)
    found = rows(reduced)
    assert list(found)[:2] == ["C1", "C2"]
    assert found["C3"][3] == "less, reduced runs; d = 16, 1 layers; 5 seeds"
    assert list(found).index("C2") < list(found).index("C3") < list(found).index("C4")
    assert found["C3"][2] == "**reproduced**; not tested here: Mamba; secondary"
