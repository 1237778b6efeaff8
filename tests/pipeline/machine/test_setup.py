"""What is said where a GPU or its kernels are missing."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pipeline.base.errors import UserError
from pipeline.machine import cpu, gpu, setup
from pipeline.params.schema import load_params

PREFIX = "runtime.device is cuda, but torch sees no CUDA device: "


def start_on(device: str, *models: str) -> None:
    params = load_params()
    setup.start(params.runtime.model_copy(update={"device": device}), *(params.models[name] for name in models))


@pytest.fixture
def torch_for_cuda_13(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("GAM_CONTAINER", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch, "__version__", "2.13.0")
    monkeypatch.setattr(gpu, "driver_name", lambda: "NVIDIA driver 570.86.15")
    return monkeypatch


@pytest.mark.parametrize(
    ("container", "driver", "said"),
    [
        ("1", None, "start the container with --gpus all, on a machine with NVIDIA driver 580 or newer"),
        ("", None, "install NVIDIA driver 580 or newer"),
        (
            "1",
            12,
            "NVIDIA driver 570.86.15 supports CUDA 12, and torch 2.13.0 was built for CUDA 13.0: install NVIDIA driver "
            "580 or newer, or torch's wheels for CUDA 12 (docs/container.md)",
        ),
        ("", 13, "NVIDIA driver 570.86.15 shows none to this process (is CUDA_VISIBLE_DEVICES set?)"),
    ],
)
def test_no_gpu(torch_for_cuda_13: pytest.MonkeyPatch, container: str, driver: int | None, said: str) -> None:
    torch_for_cuda_13.setenv("GAM_CONTAINER", container)
    torch_for_cuda_13.setattr(gpu, "driver_cuda", lambda: driver)
    with pytest.raises(UserError) as error:
        start_on("cuda")
    assert str(error.value) == f"{PREFIX}{said}, or set it to cpu"


def test_torch_without_cuda(torch_for_cuda_13: pytest.MonkeyPatch) -> None:
    torch_for_cuda_13.setattr(torch.version, "cuda", None)
    torch_for_cuda_13.setattr(gpu, "driver_cuda", lambda: 13)
    with pytest.raises(UserError, match=r"torch 2\.13\.0 was built without CUDA, install another wheel"):
        start_on("cuda")


def test_a_precision_that_the_device_does_not_have() -> None:
    entry = load_params().models["gam"].model_copy(update={"precision": "tfloat32"})
    with pytest.raises(UserError, match=r"precision tfloat32 is for CUDA devices.*float32"):
        setup.start(load_params().runtime.model_copy(update={"device": "cpu"}), entry)


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has torch say that there is a GPU, and which."""

    def say(name: str, capability: tuple[int, int], *built_for: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: name)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(built_for))
        monkeypatch.setattr(torch.version, "cuda", "13.0")
        monkeypatch.setattr(gpu, "driver_name", lambda: "NVIDIA driver 580.65.06")
        monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
        monkeypatch.setattr(torch, "set_deterministic_debug_mode", lambda _: None)

    return say


WHEEL = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")


def test_what_a_gpu_says_of_itself(a_gpu: Callable[..., None]) -> None:
    a_gpu("NVIDIA H100", (9, 0), *WHEEL)
    machine = setup.start(load_params().runtime)
    assert (machine.device.type, machine.gauge.kind, machine.name) == ("cuda", "cuda", "NVIDIA H100")
    assert machine.stack["driver"] == "580.65.06"
    assert (machine.stack["cuda"], machine.stack["capability"]) == ("13.0", "9.0")


@pytest.mark.parametrize(
    ("capability", "built_for", "runs"),
    [
        ((7, 5), WHEEL, True),
        ((8, 9), WHEEL, True),  # by the code for 8.6
        ((7, 0), WHEEL, False),
        ((11, 0), WHEEL, False),
        ((11, 0), ("sm_75", "compute_90"), True),
        ((9, 0), ("sm_90a",), True),
        ((9, 1), ("sm_90a",), False),
        ((8, 0), ("sm_86",), False),
    ],
)
def test_a_gpu_that_torch_has_no_code_for(
    a_gpu: Callable[..., None], capability: tuple[int, int], built_for: tuple[str, ...], runs: bool
) -> None:
    a_gpu("Some GPU", capability, *built_for)
    if runs:
        start_on("cuda", "gam")
        return
    dotted = ".".join(map(str, capability))
    with pytest.raises(
        UserError, match=f"Some GPU has compute capability {dotted}, and torch .* {built_for[-1]}: install"
    ):
        start_on("auto", "gam")


@pytest.mark.parametrize("precision", ["bfloat16", "tfloat32"])
def test_a_gpu_without_units_for_short_numbers(a_gpu: Callable[..., None], precision: str) -> None:
    """A T4, of which torch says that it supports bfloat16: it emulates it."""
    a_gpu("Tesla T4", (7, 5), *WHEEL)
    entry = load_params().models["gam"].model_copy(update={"precision": precision})
    with pytest.raises(
        UserError, match=rf"precision {precision} needs .*8\.0 or newer, and Tesla T4 has 7\.5: set .* float32"
    ):
        setup.start(load_params().runtime, entry)
    a_gpu("NVIDIA A100", (8, 0), *WHEEL)
    setup.start(load_params().runtime, entry)


@pytest.mark.parametrize("has_units", [True, False])
def test_a_cpu_without_units_for_bfloat16(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], has_units: bool
) -> None:
    monkeypatch.setattr(cpu, "instructions", lambda: "AVX2 AVX512-BF16" if has_units else "AVX2")
    monkeypatch.setattr(cpu, "_seconds_of_product", lambda dtype: 0.3 if dtype == torch.bfloat16 else 0.001)
    start_on("cpu", "gam")
    assert capsys.readouterr().err == ""
    start_on("cpu", "gam-bfloat16")
    said = capsys.readouterr().err
    assert said == "" if has_units else "no bfloat16 units (AVX2): a product takes 300 times as long" in said


def test_products_are_timed() -> None:
    assert cpu._seconds_of_product(torch.float32) > 0


@pytest.mark.parametrize("installed", [False, True])
def test_no_kernels(
    a_gpu: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installed: bool
) -> None:
    """Missing, Mamba takes the slow way and the extra is named; installed in vain, the run is refused."""
    missing: Any = ImportError("selective_scan_cuda.so: undefined symbol")
    a_gpu("NVIDIA H100", (9, 0), *WHEEL)
    monkeypatch.setattr(gpu, "have_kernels", lambda: installed)
    monkeypatch.setattr(gpu, "import_module", lambda _: (_ for _ in ()).throw(missing))
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


def test_a_gpu_for_each_process_of_a_run(a_gpu: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    a_gpu("NVIDIA H100", (9, 0), *WHEEL)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    start_on("cuda", "gam")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    start_on("cuda", "gam")
    assert taken == [1]
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UserError, match=r"3 processes need a GPU each, and torch sees 2: start torchrun with"):
        start_on("auto", "gam")
