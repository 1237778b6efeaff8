"""The table of the claims: what stands in it beside the verdicts."""

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import (
    write_timing,
)
from tests.pipeline.conftest import growing, verdicts


def test_the_paper_s_effects_that_the_margin_hides(grid: Workspace) -> None:
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "the paper's own effect in C9 (0.0051) and C10 (0.0022): measured" in claims.read_text()
    grid.edit({"claims": {"margin_nats": 0.002}})
    grid.call(tables)
    assert "the paper's own effect" not in claims.read_text()


def test_hardware_and_size_stand_in_the_row(grid: Workspace) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    growing(grid, "gam", 1.0, 8192)
    verdicts(grid)
    rows = {row.split("|")[2].strip(): row for row in (paths.PAPER_TABLES / "claims.md").read_text().splitlines()[2:]
            if row.startswith("|")}  # fmt: skip
    assert "(16 x 32 tokens, float32, on Test & Device_1 (cpu))" in rows["C1"]
    assert "against mamba (Mamba's scan by plain torch)" in rows["C1"]
    assert "(one block, d = 16, batch 1, float32, on Test & Device_1 (cpu))" in rows["C5"]
