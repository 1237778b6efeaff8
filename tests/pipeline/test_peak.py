"""The stage peak, on products of a made-up device and on small ones of this CPU."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pipeline import peak as stage
from pipeline.artifacts.cost_records import PeakResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.schema import load_params
from pipeline.peak import LONGEST, SIZES, measure
from pipeline.peak import main as peak
from tests.conftest import Workspace
from tests.made_up import only_file


class MadeUpGauge:
    """A device on which products of each size take these milliseconds, at first twice as long."""

    kind = "cpu"

    def __init__(self, milliseconds: list[float]) -> None:
        self.waiting = [time * factor for time in milliseconds for factor in (2, *[1] * (stage.PRODUCTS - 1))]

    def wait(self) -> None:
        pass

    def milliseconds(self, _work: Callable[[], object]) -> float:
        return self.waiting.pop(0)


def measured(milliseconds: list[float], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(torch, "mm", lambda a, _b: a)
    monkeypatch.setattr(torch, "ones", lambda *_size, **_kind: None)
    gauge: Any = MadeUpGauge(milliseconds)
    found = measure(torch.device("cpu"), gauge, 1, "float32")
    return found.size, found.flops_per_second, len(gauge.waiting)


def test_the_best_size_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """In operations a second: two for each multiplication."""
    times = [10.0, 20.0, *[10_000.0] * (len(SIZES) - 2)]  # 8 times the work in twice the time, then far too long
    size, rate, left = measured(times, monkeypatch)
    assert (size, rate) == (512, 2 * 512**3 / 0.02)
    assert left == (len(SIZES) - 3) * stage.PRODUCTS


def test_no_larger_one_after_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured([LONGEST + 1] * len(SIZES), monkeypatch)[0] == SIZES[0]


def test_peak(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "SIZES", (32, 64))
    workspace.call(peak)
    result = read_result(only_file(paths.PEAKS), PeakResult)
    assert result is not None
    found = [(each.threads, each.precision) for each in result.peaks]
    assert load_params().runtime.threads == 2
    assert found == [(1, "float32"), (1, "bfloat16"), (2, "float32"), (2, "bfloat16")]
    assert all(each.flops_per_second > 1e6 for each in result.peaks)
