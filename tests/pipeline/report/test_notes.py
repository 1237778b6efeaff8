"""What stands below the answers."""

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.params.schema import load_params
from pipeline.report.notes import rule, terms
from pipeline.tables import main as tables
from tests.conftest import Workspace


def test_the_rule_prints_the_margins() -> None:
    claims = load_params(HOUSE / "params.yaml").claims
    for number in ("0.01 nats", "2% for times", "0.01 for gate", "T = 1024", "0.9 to 1.1", "1.8 to 2.2"):
        assert number in " ".join(rule(claims))
    assert "(0.01 nats, 2 % of a time, 0.01 of a gate)" in " ".join(terms(claims))


def test_the_paper_s_effects_that_the_margin_hides(grid: Workspace) -> None:
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "the paper's own effect in C9 (0.0051) and C10 (0.0022): measured" in claims.read_text()
    grid.edit({"claims": {"margin_nats": 0.002}})
    grid.call(tables)
    assert "the paper's own effect" not in claims.read_text()
