"""What must not happen in a step, or in validation, since a fast device would wait for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gam.config import ModelConfig
from pipeline.evaluation.metrics import score_blocks
from pipeline.evaluation.probes import reach_by_gradient
from pipeline.fingerprint import SETTINGS
from pipeline.machine.gauge import CpuGauge
from pipeline.machine.stopwatch import Stopwatch
from pipeline.training import protocol
from pipeline.training.protocol import RunState, Step, seeded_model, train_epochs
from tests.pipeline.machine.test_precision import MODELS

META = torch.device("meta")


class StopError(Exception):
    """Enough was seen."""


class Copies(TorchDispatchMode):
    """Counts copies from the processor's memory to the device, and those of them that are waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = self.waited_for = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.device == META:
            given = [each for each in args if isinstance(each, torch.Tensor) and each.dim()]
            is_copy = any(each.device.type == "cpu" for each in given)
            self.seen += is_copy
            self.waited_for += is_copy and not (kwargs or {}).get("non_blocking", False)
        return result


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_no_copy_that_is_waited_for_inside_the_step_loop(config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = torch.optim.SGD  # torch has no fused AdamW for these tensors
    monkeypatch.setattr(protocol, "make_optimiser", lambda model, _: plain(model.parameters(), lr=0.1))
    blocks = np.zeros((40, config.block_size + 1), np.uint16)
    state = RunState(seeded_model(config, 0, META), len(blocks), SETTINGS)
    copies: list[int] = []

    def after_step(_step: Step) -> None:
        copies.append(counter.seen)
        if len(copies) == 4:
            raise StopError

    with pytest.raises(StopError), Copies() as counter:
        list(train_epochs(state, blocks, blocks, SETTINGS, 0, "float32", after_step))
    assert copies == [1, 2, 3, 4], "other copies than the batches"
    assert counter.waited_for == 0


@pytest.mark.filterwarnings("ignore")  # torch's compiler sets off warnings within torch
def test_no_compiled_block_in_validation() -> None:
    """A block compiled for training runs as it is written; and compiled again afterwards."""
    config = MODELS["gam"]
    model = seeded_model(config, 0, torch.device("cpu"))
    calls: list[str] = []

    def counting(module: torch.fx.GraphModule, _inputs: object) -> Callable[..., Any]:
        def run(*given: object) -> Any:
            calls.append("compiled")
            return module(*given)

        return run

    for block in model.blocks:
        block.compile(backend=counting, dynamic=False)
    blocks = np.zeros((2, config.block_size + 1), np.int64)
    tokens = torch.from_numpy(blocks)
    model.train()
    model.loss(tokens[:, :-1], tokens[:, 1:])
    before = len(calls)
    assert before
    score_blocks(model, blocks, 2, "float32")
    assert len(calls) == before
    model.train()
    model.loss(tokens[:, :-1], tokens[:, 1:])
    assert len(calls) == 2 * before


def test_probes_are_in_float32() -> None:
    """Also after a score in tfloat32."""
    config = MODELS["gam"]
    model = seeded_model(config, 0, torch.device("cpu"))
    blocks = np.zeros((2, config.block_size + 1), np.int64)
    score_blocks(model, blocks, 2, "tfloat32")
    assert torch.get_float32_matmul_precision() == "high"
    reach_by_gradient(model, blocks)
    assert torch.get_float32_matmul_precision() == "highest"


def test_saves_do_not_count_as_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device is waited for before the watch stops: what it was told belongs to training."""
    now, waited = 0.0, 0

    class Gauge(CpuGauge):
        def wait(self) -> None:
            nonlocal now, waited
            waited += 1
            now += 5.0

    monkeypatch.setattr("time.perf_counter", lambda: now)
    watch = Stopwatch(Gauge())
    watch.start()
    now += 1.0
    with watch.paused():
        assert watch.seconds == 6.0
        now += 100.0
    now += 2.0
    watch.stop()
    assert (watch.seconds, waited) == (13.0, 2)
    with watch.paused():
        now += 100.0
    assert watch.seconds == 13.0
