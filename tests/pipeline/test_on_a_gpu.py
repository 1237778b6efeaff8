"""The stages timing and scaling through the branches of a GPU, on one that is made up."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from pipeline import scaling as scaling_stage
from pipeline import timing as timing_stage
from pipeline.artifacts.cost_records import ScalingResult, TimingResult
from pipeline.artifacts.devices import read_devices
from pipeline.artifacts.provenance import slug
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.evaluation import block_cost
from pipeline.machine import cpu
from pipeline.machine.setup import Machine, start
from pipeline.params.schema import Runtime, load_params
from pipeline.scaling import main as scaling
from pipeline.tables import main as tables
from pipeline.timing import main as timing
from tests.conftest import Workspace
from tests.made_up_gpu import MadeUpGauge, made_up_machine

FILE = "made-up-gpu-80gb"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> MadeUpGauge:
    """What the stages find in place of this machine, all in this process."""
    gauge = MadeUpGauge()

    def found(runtime: Runtime, *_entries: object) -> Machine:
        return made_up_machine(gauge, runtime)

    for module in (scaling_stage, timing_stage, block_cost):
        monkeypatch.setattr(module, "start", found)

    def here(_context: object, function: Callable[..., Any], *given: object) -> Any:
        return function(*given)

    for module in (scaling_stage, timing_stage):
        monkeypatch.setattr(module, "call_apart", here)
    monkeypatch.setattr(block_cost, "return_freed_memory", lambda: None)
    return gauge


def scale(workspace: Workspace) -> ScalingResult:
    workspace.edit({"scaling": {"cuda": {"batch_size": 2, "memory_batch_size": 2, "lengths": [32, 64]}}})
    workspace.call(scaling, "--model", "gam")
    result = read_result(paths.scaling("gam", FILE), ScalingResult)
    assert result is not None
    return result


def test_scaling_on_a_gpu(workspace: Workspace, gpu: MadeUpGauge) -> None:
    """In float16, three times: as published, all told beforehand, and with numbers that stay finite."""
    result = scale(workspace)
    rounds = load_params().scaling.cuda.repetitions
    assert result.provenance.device_type == "cuda"
    assert result.provenance.stack["capability"] == "9.0"
    assert result.available_gib == 80
    for point in result.points:
        assert point.milliseconds == point.queued_milliseconds == point.finite_milliseconds == [2.0] * rounds
        assert (point.peak_mib, point.fits_cap) == (100, True)
    workspace.call(tables)
    table = (paths.PAPER_TABLES / "scaling.md").read_text()
    assert "time, told beforehand, with gradients that stay finite (ms), Made-up GPU" in table
    asked = [each for each in gpu.asked if each != "wait"]
    assert asked[:3] == ["as told", "queued", "queued"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4 GiB"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["allocator", "device", "cublas"],
)
def test_what_does_not_fit_a_gpu(workspace: Workspace, gpu: MadeUpGauge, error: Exception) -> None:
    gpu.fails_at_wait = error
    assert [point.fits_cap for point in scale(workspace).points] == [False, False]


@pytest.mark.usefixtures("gpu")
def test_out_of_memory_is_stored(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the length at which it happens; shorter ones have their numbers."""
    original = block_cost._pass

    def full(block: Any, x: torch.Tensor, scaler: Any) -> None:
        if x.shape[1] == 64:
            raise torch.AcceleratorError("CUDA error: out of memory")
        original(block, x, scaler)

    monkeypatch.setattr(block_cost, "_pass", full)
    short, long = scale(workspace).points
    assert short.milliseconds
    assert short.peak_mib == 100
    assert (long.milliseconds, long.queued_milliseconds, long.peak_mib, long.fits_cap) == ([], [], None, False)


def test_another_failure_is_none_of_memory(workspace: Workspace, gpu: MadeUpGauge) -> None:
    gpu.fails_at_wait = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(torch.AcceleratorError):
        scale(workspace)


@pytest.mark.parametrize("tokens", [64, 16 * 16384])
def test_a_scale_that_keeps_gradients_finite(tokens: int) -> None:
    """The published one does not: a bias gets the sum of the gradients of all tokens."""
    for scale, is_finite in ((2.0**16, False), (block_cost._finite_scaler(torch.device("cpu"), tokens), True)):
        factor = scale if isinstance(scale, float) else scale.get_scale()
        summed = torch.full((tokens,), factor).half().sum()
        assert bool(summed.isfinite()) == is_finite
        assert torch.tensor(factor).half() > 2**-14  # the smallest normal number


def test_timing_on_a_gpu(workspace: Workspace, gpu: MadeUpGauge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waited for after each step, and warmed up for a time."""
    monkeypatch.setitem(timing_stage.WARM_AFTER, "cuda", 0.5)
    workspace.call(timing)
    result = read_result(paths.timing(FILE), TimingResult)
    assert result is not None
    assert {each.busy_before for each in result.measurements} == {0.03}
    assert result.provenance.device_type == "cuda"
    settings = load_params().timing
    counted = settings.measurements * settings.repetitions * len(settings.models)
    assert gpu.asked.count("wait") > counted + settings.measurements * settings.warmup * len(settings.models)


def test_devices_lie_side_by_side(workspace: Workspace, gpu: MadeUpGauge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's times neither wait behind a CPU's nor overwrite them; tables and claims have both, the GPU first."""
    monkeypatch.setitem(timing_stage.WARM_AFTER, "cuda", 0.0)
    assert gpu
    workspace.call(timing)
    for module in (scaling_stage, timing_stage, block_cost):
        monkeypatch.setattr(module, "start", start)
    workspace.call(timing)
    here = start(load_params().runtime)
    assert {file.stem for file in paths.TIMINGS.glob("*.json")} == {FILE, slug(here)}
    workspace.call(tables)
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    names = ["Made-up GPU (TM) 80GB", read_devices(load_params())[1].name]
    assert names[1].startswith(cpu.name())
    assert list(summary["timing"]) == list(summary["claims"]["devices"]) == names
    table = (paths.PAPER_TABLES / "timing.md").read_text()
    assert table.index("stories, Made-up GPU") < table.index(f"stories, {cpu.name()}")


def test_names_in_names_of_files() -> None:
    gauge = MadeUpGauge()
    machine = made_up_machine(gauge, load_params().runtime)
    assert slug(machine) == FILE
