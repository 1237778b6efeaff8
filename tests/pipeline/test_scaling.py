"""The stage scaling, small, on the CPU, with a real failure to allocate."""

import dataclasses
import json
import os
import signal

import pytest

from pipeline import scaling as stage
from pipeline.artifacts.cost_records import ScalingResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.evaluation.block_cost import Job, Times, fits
from pipeline.params.schema import load_params
from pipeline.scaling import apart, measure, times_of
from pipeline.scaling import main as scaling
from tests.conftest import Workspace
from tests.made_up import only_file


def job_of(model: str, limit_gib: float | None = None) -> Job:
    params = load_params()
    return Job(params.runtime, params.models[model].block_config(), params.scaling.cpu, limit_gib)


def test_scaling(workspace: Workspace) -> None:
    workspace.call(scaling, "--model", "gam")
    file = only_file(paths.SCALINGS / "gam")
    result = read_result(file, ScalingResult)
    assert result is not None
    assert [(point.length, len(point.milliseconds)) for point in result.points] == [(64, 5), (128, 5), (256, 5)]
    peaks = [point.peak_mib for point in result.points if point.peak_mib is not None]
    assert peaks == sorted(peaks)
    assert len(set(peaks)) == 3
    assert {point.fits_cap for point in result.points} == {True if result.available_gib >= result.cap_gib else None}
    assert result.provenance.precision == "float32"
    assert "Infinity" not in file.read_text()
    json.loads(file.read_text())


def test_out_of_memory_is_an_outcome_of_one_length(workspace: Workspace) -> None:
    """A block of 16 heads holds a GiB of weights at 4,096 tokens, for one sequence, and may have half of one."""
    cpu = {"memory_batch_size": 1, "lengths": [32, 4096]}
    workspace.edit({"models": {"transformer": {"n_head": 16}}, "scaling": {"cpu": cpu, "cap": {"gib": 0.5}}})
    short, long = measure(job_of("transformer", limit_gib=0.5), load_params().scaling)
    assert (len(short.milliseconds), short.fits_cap) == (5, True)
    assert short.peak_mib is not None
    assert (long.milliseconds, long.peak_mib, long.fits_cap) == ([], None, False)
    _, long = measure(job_of("gam", limit_gib=0.5), load_params().scaling)
    assert (len(long.milliseconds), long.fits_cap) == (5, True)
    assert long.peak_mib is not None


def test_a_machine_with_less_than_the_cap_says_nothing_of_it(workspace: Workspace) -> None:
    workspace.edit({"scaling": {"cpu": {"lengths": [32]}}})
    (point,) = measure(job_of("gam", limit_gib=0.5), load_params().scaling)
    assert point.fits_cap is None
    assert point.peak_mib is not None


@pytest.mark.usefixtures("workspace")
def test_a_process_that_is_killed_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert apart(None, kill) is None
    assert apart(False, fits, job_of("gam"), 32)
    tried: list[list[int]] = []

    def timed(otherwise: object, _function: object, _job: Job, lengths: list[int], _warmup: int) -> object:
        tried.append(lengths)
        return otherwise if 256 in lengths else {length: Times([1.0], [], []) for length in lengths}

    monkeypatch.setattr(stage, "apart", timed)
    assert times_of(job_of("gam"), 1) == {length: Times([1.0], [], []) for length in (64, 128)}
    assert tried == [[64, 128, 256], [64, 128]]
    job = dataclasses.replace(job_of("gam"), on=load_params().scaling.cpu.model_copy(update={"lengths": [256]}))
    assert times_of(job, 1) == {}


def kill() -> None:
    """As the kernel does to a process that takes too much."""
    os.kill(os.getpid(), signal.SIGKILL)
