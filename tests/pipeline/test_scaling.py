"""The stage scaling, small, on the CPU, with a real failure to allocate."""

import dataclasses
import json

import pytest

from pipeline.artifacts.records import ScalingResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.schema import Cap, load_params
from pipeline.scaling import jobs, measure_apart
from pipeline.scaling import main as scaling
from tests.conftest import Workspace


def test_scaling(workspace: Workspace) -> None:
    workspace.call(scaling, "--model", "gam")
    result = read_result(paths.scaling("gam"), ScalingResult)
    assert result is not None
    assert [(p.length, p.memory) for p in result.points] == [(n, m) for m in ("device", "t4") for n in (64, 128, 256)]
    for point in result.points:
        assert point.status == "ok"
        assert len(point.milliseconds) == 2
        assert point.peak_mib is not None
    assert result.provenance.precision == "float32"


@pytest.mark.parametrize("model", ["transformer", "gam"])
def test_out_of_memory_is_an_outcome_of_one_point(workspace: Workspace, model: str) -> None:
    """A block of 16 heads at 8,192 tokens holds 4 GiB of weights: more than a quarter of a GiB does not."""
    workspace.edit({"models": {"transformer": {"n_head": 16}}})
    job = jobs(load_params(), model, "cpu")[0]
    long = dataclasses.replace(job, length=8192, warmup=0, repetitions=2, cap=Cap(name="small", gib=0.25))
    assert measure_apart(long).status == ("oom" if model == "transformer" else "ok")
    assert measure_apart(dataclasses.replace(long, length=32)).status == "ok"


def test_results_hold_no_infinity(workspace: Workspace) -> None:
    workspace.call(scaling, "--model", "gam")
    file = paths.scaling("gam")
    assert "Infinity" not in file.read_text()
    json.loads(file.read_text())
