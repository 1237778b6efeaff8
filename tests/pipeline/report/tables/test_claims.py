"""claims.md and claims.tex: twelve rows, and every measurement below."""

import re

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.report.wording import LONGEST
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up_costs import write_timing
from tests.pipeline.conftest import growing, verdicts, write_losses

CLAIMS = [f"C{number}" for number in range(1, 13)]


def sections() -> dict[str, list[str]]:
    """The lines of claims.md by heading."""
    parts = re.split(r"^## (.*)$", (paths.PAPER_TABLES / "claims.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.splitlines() for part in parts[2::2]), strict=True))


def test_a_section_for_every_claim(grid: Workspace) -> None:
    grid.call(tables)
    assert list(sections()) == [*CLAIMS, "Rule and notes"]
    rows = [line for line in (paths.PAPER_TABLES / "claims.md").read_text().splitlines() if line.startswith("| [C")]
    assert sorted(re.findall(r"^\| \[(C\d+)\]\(#c\d+\)", "\n".join(rows), re.MULTILINE)) == sorted(CLAIMS)
    tex = (paths.PAPER_TABLES / "claims.tex").read_text()
    assert re.findall(r"\\paragraph\{(C\d+)\}", tex) == CLAIMS


def test_every_measurement_has_a_line(grid: Workspace) -> None:
    write_losses(gam=5.0, transformer=5.1, mamba=5.2)
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    growing(grid, "gam", 1.0, 8192)
    verdicts(grid)
    found = sections()
    number = r"\[-?[\d.]+( %)?\]\(\S+\) \[-?[\d.]+, -?[\d.]+\]"
    for epoch in (1, 2):
        line = rf"  - loss, Mamba − GAM, epoch {epoch}: {number} nats; 5 seeds, 5 as claimed; secondary; reproduced"
        assert any(re.fullmatch(line, each) for each in found["C12"])
    assert "  - loss, Transformer − GAM, epoch 2: as C3; reproduced" in found["C12"]
    steps = "- any text, 16 x 32 tokens; d = 16, 2 layers, T = 32; float32 on Test & Device_1 (cpu): **reproduced**"
    assert any(each.startswith(steps) for each in found["C1"])
    mamba = rf"  - time of .* saves, vs Mamba \(without its fast GPU code\): {number}; 5 measurements; not judged"
    assert any(re.fullmatch(mamba, each) for each in found["C1"])
    assert (
        "- one block, d = 16, batch 1 for time, 2 for memory; float32 on Test & Device_1 (cpu): **reproduced**"
        in found["C5"]
    )
    assert "- stories; d = 16, 2 layers, T = 32: not run" in found["C7"]


def test_no_cell_in_git_is_long() -> None:
    """As shown and as written, in the twelve rows and in the opening of the README."""
    for name, folder in (("claims.md", paths.PAPER_TABLES), ("answers.md", paths.PAPER_TABLES)):
        rows = [line for line in (HOUSE / folder / name).read_text().splitlines() if line.startswith("| [C")]
        assert len(rows) == 12
        for row in rows:
            for cell in (cell.strip() for cell in row.strip("|").split(" |")):
                shown = re.sub(r"\[([^\[\]]*)\]\([^)]*\)", r"\1", cell).replace("**", "")
                assert len(shown) <= LONGEST, shown
                assert len(cell) <= 160, cell
