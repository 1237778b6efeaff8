"""How busy the machine is, and how OpenMP's threads wait."""

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
import torch

from pipeline.artifacts.records import Curve
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.machine.gauge import CpuGauge, CudaGauge
from pipeline.machine.setup import start
from pipeline.params.schema import load_params


def test_a_busy_processor_is_seen() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        busy = CpuGauge().busy_share(seconds=0.5)
    finally:
        stop.set()
        worker.join()
    assert busy is not None
    assert 0.5 / psutil.cpu_count() < busy <= 1


def test_a_system_that_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(interval: float) -> float:
        time.sleep(0 * interval)
        raise PermissionError("/proc/stat")

    monkeypatch.setattr(psutil, "cpu_percent", refuse)
    assert CpuGauge().busy_share(seconds=0.1) is None


@pytest.mark.parametrize(
    ("own", "spins"),
    [({}, "'1000'"), ({"GOMP_SPINCOUNT": "7"}, "'7'"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_openmp_is_told_before_torch_is_loaded(own: dict[str, str], spins: str | None) -> None:
    """By importing any stage; what the user sets wins."""
    clean = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", "import pipeline.train"],
        cwd=HOUSE, env=clean | own | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = (line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line)
    assert line.endswith(spins) if spins else "'1000'" not in line


def test_the_provenance_says_how_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of before say nothing of it, and are read as they are."""
    runtime = load_params().runtime.model_copy(update={"device": "cpu"})
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert start(runtime).waiting == "GOMP_SPINCOUNT=7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    assert start(runtime).waiting is None
    recorded = read_result(HOUSE / paths.curve("wikitext-2-v1", "gam-bfloat16", 0), Curve)
    assert recorded is not None
    assert recorded.provenance.waiting is None


def test_a_gpu_is_given_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own function, which refuses a device without a number; what lies below it is made up."""
    asked = []
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.cuda.memory, "_lazy_init", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80 * 2**30))
    monkeypatch.setattr(torch._C, "_cuda_setMemoryFraction", lambda *given: asked.append(given), raising=False)
    gauge = CudaGauge(torch.device("cuda"))
    gauge.limit(20.0)
    gauge.limit(100.0)
    assert asked == [(0.25, 0), (1.0, 0)]
