"""What is said where a GPU or its kernels are missing."""

from typing import Any

import pytest
import torch

from pipeline.base.errors import UserError
from pipeline.machine import setup as runtime
from pipeline.params.schema import load_params

PREFIX = "runtime.device is cuda, but torch sees no CUDA device: "


def start_on(device: str, *models: str) -> None:
    params = load_params()
    runtime.start(params.runtime.model_copy(update={"device": device}), *(params.models[name] for name in models))


@pytest.fixture
def torch_for_cuda_13(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("GAM_CONTAINER", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch, "__version__", "2.13.0")
    monkeypatch.setattr(runtime, "driver_name", lambda: "NVIDIA driver 570.86.15")
    return monkeypatch


@pytest.mark.parametrize(
    ("container", "driver", "said"),
    [
        ("1", None, "start the container with --gpus all, on a machine with NVIDIA driver 580 or newer"),
        ("", None, "install NVIDIA driver 580 or newer, or set it to auto or cpu"),
        (
            "1",
            12,
            "NVIDIA driver 570.86.15 supports CUDA 12, and torch 2.13.0 was built for CUDA 13.0: install NVIDIA driver "
            "580 or newer",
        ),
        ("", 13, "NVIDIA driver 570.86.15 shows none to this process (is CUDA_VISIBLE_DEVICES set?)"),
    ],
)
def test_no_gpu(torch_for_cuda_13: pytest.MonkeyPatch, container: str, driver: int | None, said: str) -> None:
    torch_for_cuda_13.setenv("GAM_CONTAINER", container)
    torch_for_cuda_13.setattr(runtime, "driver_cuda", lambda: driver)
    with pytest.raises(UserError) as error:
        start_on("cuda")
    assert str(error.value) == PREFIX + said


def test_torch_without_cuda(torch_for_cuda_13: pytest.MonkeyPatch) -> None:
    torch_for_cuda_13.setattr(torch.version, "cuda", None)
    torch_for_cuda_13.setattr(runtime, "driver_cuda", lambda: 13)
    with pytest.raises(UserError, match=r"torch 2\.13\.0 was built without CUDA, install another wheel"):
        start_on("cuda")


def test_a_precision_that_the_device_does_not_have() -> None:
    entry = load_params().models["gam"].model_copy(update={"precision": "tfloat32"})
    with pytest.raises(UserError, match=r"precision tfloat32 is for CUDA devices.*float32"):
        runtime.start(load_params().runtime.model_copy(update={"device": "cpu"}), entry)


@pytest.mark.parametrize("installed", [False, True])
def test_no_kernels(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installed: bool) -> None:
    """Missing, Mamba takes the slow way and the extra is named; installed in vain, the run is refused."""
    missing: Any = ImportError("selective_scan_cuda.so: undefined symbol")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(runtime, "have_kernels", lambda: installed)
    monkeypatch.setattr(runtime, "import_module", lambda _: (_ for _ in ()).throw(missing))
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(torch, "set_deterministic_debug_mode", lambda _: None)
    start_on("cuda", "gam")
    assert capsys.readouterr().err == ""
    if installed:
        with pytest.raises(UserError, match=r"undefined symbol.*'\.\[mamba\]'"):
            start_on("cuda", "mamba")
    else:
        start_on("cuda", "mamba")
        (line,) = capsys.readouterr().err.splitlines()
        assert "pip install --no-build-isolation '.[mamba]'" in line
    start_on("cpu", "mamba")
