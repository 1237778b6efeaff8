"""The opening of the README, from made-up results."""

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import (
    write_run,
)
from tests.pipeline.conftest import write_losses


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
