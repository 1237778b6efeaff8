"""summary.json carries what the tables say of the verdicts."""

import json
from typing import Any

import pytest

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_run
from tests.made_up_costs import write_timing
from tests.pipeline.conftest import SEEDS, write_losses


def claims(workspace: Workspace) -> dict[str, Any]:
    workspace.call(tables)
    found: dict[str, Any] = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]
    return found


def test_every_remark_of_the_tables(grid: Workspace) -> None:
    write_losses((20.0, 7.0), gam=6.6, gam_sum_fusion=6.7, transformer=6.8)
    for seed in SEEDS:  # the very same losses: zeros are numbers too
        write_run("gam-global-only", seed, [6.1 + seed, 6.6 + seed])
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    found = claims(grid)
    told = found["stories"]["paper"]
    assert told["C7"]["verdict"] == "no valid test"
    assert told["C7"]["reason"] == "GAM's loss 8.1000, a bigram count's 7.0000"
    part = told["C7"]["parts"]["Sum Fusion − GAM"]
    assert part["assay"] == {
        "role": "gam", "loss": pytest.approx(8.1), "yardstick": "bigram", "count_loss": 7.0, "is_met": False,
    }  # fmt: skip
    assert (part["test"], part["n"], part["counted"], part["unit"]) == ("secondary", 5, "seeds", "nats")
    assert part["mean"] == pytest.approx(0.1002)
    assert part["low"] < part["mean"] < part["high"]
    assert told["C3"] == {"verdict": "not run", "reason": "Mamba − Transformer", "parts": told["C3"]["parts"]}
    assert told["C3"]["parts"]["Mamba − Transformer"] == {"verdict": "not run"}
    assert told["C12"]["parts"]["Transformer − GAM, epoch 2"]["answered_by"] == "C3"
    assert told["C9"]["remarks"] == ["the paper's own effect is smaller than what we call an effect"]
    same = told["C9"]["parts"]["Global Only − GAM"]
    assert (same["mean"], same["low"], same["won"], same["level"]) == (0.0, 0.0, 0.5, 0.0)
    (on,) = found["devices"].values()
    assert on["C1"]["remarks"] == ["not judged: vs Mamba (without its fast GPU code)"]
    assert on["C2"]["parts"]["vs Transformer"]["answered_by"] == "C1"
    assert told["C8"]["parts"]["how far GAM sees"] == {
        "verdict": "contradicted", "n": 5, "counted": "seeds", "fewest": 5, "most": 5, "convolutions": 5,
    }  # fmt: skip
