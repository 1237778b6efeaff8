"""What stands above and below the answers."""

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.answers import answers
from pipeline.params.schema import load_params
from pipeline.report.notes import in_short, rule, terms
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up_costs import write_timing
from tests.pipeline.conftest import write_losses


def test_the_rule_prints_the_margins() -> None:
    params = load_params(HOUSE / "params.yaml")
    for number in ("0.01 nats", "2% for times", "0.01 for gate", "T = 1024 to 16384", "1.87 to 2.14", "3.48 to 4.59"):
        assert number in " ".join(rule(params.claims))
    told = " ".join(terms(params))
    for number in ("(0.01 nats, 2 % of a time, 0.01 of a gate)", "0.05 nats below", "fewer than 5 seeds"):
        assert number in told
    for number in ("0.05 nats below a count", "fewer than 5 seeds"):
        assert number in " ".join(rule(params.claims))


@pytest.mark.usefixtures("grid")
def test_in_short() -> None:
    assert in_short(answers(load_params())) == (
        f"In short. Not run, or not all of it: {', '.join(f'C{number}' for number in range(1, 13))}."
    )
    write_losses(gam=4.0, transformer=4.1, mamba=4.2, gam_global_only=3.9, gam_sum_fusion=4.0)
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    assert in_short(answers(load_params())) == (
        "In short. Reproduced: C1 (not all of it tested), C2, C3, C12. Contradicted: C9. No effect: C7. "
        "Not run, or not all of it: C4, C5, C6, C8, C10, C11."
    )
    write_losses((20.0, 5.0), gam=4.0)
    assert "Reproduced: C1 (not all of it tested), C2, C3, C12. No valid test: C7, C9. Not run" in in_short(
        answers(load_params())
    )


def test_the_paper_s_effects_that_the_margin_hides(grid: Workspace) -> None:
    grid.call(tables)
    claims = paths.PAPER_TABLES / "claims.md"
    assert "In C9 (0.0051) and C10 (0.0022) the paper's own effect is smaller than what we call" in claims.read_text()
    assert "| 0.0051 nats: smaller than what we call an effect " in claims.read_text()
    assert "| 0.0453 nats  " in claims.read_text()
    grid.edit({"claims": {"margin_nats": 0.002}})
    grid.call(tables)
    assert "smaller than what we call an effect" not in claims.read_text()
