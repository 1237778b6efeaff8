"""The table of what trainings cost."""

import json
from typing import Any

import pytest

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import STAMP, write_run
from tests.made_up_costs import write_flops, write_peak
from tests.pipeline.conftest import cells

ROW = ("cost", "stories, Test & Device_1", "GAM (Full)")


@pytest.fixture
def trained(grid: Workspace) -> Workspace:
    """Two runs of two epochs: 10 and 20 s, and a second each to validate, at 7 tokens a second."""
    for seed in (0, 1):
        write_run("gam", seed, [5.0, 4.0])
    return grid


def row(workspace: Workspace) -> list[str]:
    workspace.call(tables)
    return cells(*ROW)


def test_all_that_is_known(trained: Workspace) -> None:
    write_flops(gam=2 * 10**12)
    write_peak(56e12)
    assert row(trained) == ["2", "0.02", "420.0", "7", "14,000.0", "25"]
    numbers = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["cost"]["paper"]["stories"]["gam"]
    assert numbers == {
        "Test & Device_1": {
            "n": 2,
            "hours": 64 / 3600,
            "operations": 420 * 10**12,
            "tokens_per_second": 7.0,
            "operations_per_second": 14e12,
            "share_of_peak": 0.25,
        }
    }


def test_nothing_counted(trained: Workspace) -> None:
    assert row(trained) == ["2", "0.02", "–", "7", "–", "–"]


@pytest.mark.parametrize("setting", [(1, "float32"), (2, "bfloat16")])
def test_a_peak_of_another_setting_is_none(trained: Workspace, setting: Any) -> None:
    write_flops(gam=2 * 10**12)
    write_peak(56e12, *setting)
    assert row(trained)[-2:] == ["14,000.0", "–"]


def test_devices_stand_apart(trained: Workspace) -> None:
    write_run("gam", 2, [5.0], stamp=STAMP.model_copy(update={"device": "Other", "instructions": "AVX2 AMX"}))
    assert row(trained)[0] == "2"
    assert cells("cost", "stories, Other with AMX", "GAM (Full)")[0] == "1"


def test_no_training(workspace: Workspace) -> None:
    workspace.call(tables)
    assert cells("cost", "–", "not run") == ["–"] * 6


def test_runs_in_several_processes_stand_apart(trained: Workspace) -> None:
    """Their peak was not measured: it is one process's."""
    write_flops(gam=2 * 10**12)
    write_peak(56e12)
    write_run("gam", 2, [5.0], stamp=STAMP.model_copy(update={"world_size": 4}))
    assert row(trained)[0] == "2"
    assert cells("cost", "stories, Test & Device_1, 4 processes", "GAM (Full)")[-2:] == ["14,000.0", "–"]
    assert "(cpu, 4 processes of 2 threads, deterministic)" in (paths.PAPER_TABLES / "cost.md").read_text()
