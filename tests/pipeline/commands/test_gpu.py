"""The command gpu, dry: all of it on the CPU, killed after each part."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.paths import HOUSE
from pipeline.commands import gpu, gpu_parts
from pipeline.commands.gpu_parts import Part, training
from pipeline.commands.quickstart import dvc_environment
from pipeline.params.schema import load_params

WRAPPER = HOUSE / "docker" / "nvcc-one.sh"


ELSEWHERE = """
import sys
from pathlib import Path
from pipeline.commands import gpu
gpu.SCRATCH = Path(sys.argv.pop())
gpu.main()
"""


def begin(folder: Path) -> "subprocess.Popen[str]":
    """A dry run whose scratch folder lies in `folder`, as does the pack."""
    return subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, "--dry", "--pack", str(folder / "pack.tar.gz"), str(folder / "scratch")],
        cwd=HOUSE, env=dvc_environment(), start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def kill_all(process: "subprocess.Popen[str]") -> None:
    """It and all that it started, at once. Each part has a process group of its own, as soon as it is under way."""
    with suppress(psutil.NoSuchProcess):
        gpu_command = psutil.Process(process.pid)
        gpu_command.suspend()  # so that it starts nothing meanwhile
        for part in gpu_command.children():
            with suppress(ProcessLookupError):
                os.killpg(part.pid, signal.SIGKILL)
            part.kill()
        gpu_command.kill()
    process.communicate(timeout=60)


def packed(folder: Path) -> dict[str, bytes]:
    """What the file holds, every member of it read."""
    with tarfile.open(folder / "pack.tar.gz") as archive:
        files = [member for member in archive if member.isfile()]
        contents = {member.name: archive.extractfile(member) for member in files}
        return {name: file.read() for name, file in contents.items() if file}


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout
    for line in process.stdout:
        if ": done in" in line or "failed" in line or "cut off" in line:
            yield line


def test_all_of_it_killed_after_each_of_some_parts(tmp_path: Path) -> None:
    """What was made is in the pack each time, a further call goes on, and nothing is made twice."""
    made: list[str] = []
    for kills_left in (2, 1, 0):
        process = begin(tmp_path)
        for line in lines_of(process):
            name, _, how = line.partition(": ")
            assert how.startswith("done in"), packed(tmp_path)[f"work/gpu/{name.replace(' ', '-')}.log"].decode()
            made.append(name)
            if kills_left:
                kill_all(process)
                break
        assert json.loads(packed(tmp_path)["work/gpu/done-dry.json"]) == made
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(set(made)) == len(made)
    assert made[:4] == ["parity", "tokens of stories", "fingerprints", "stories-gam-0"]
    files = packed(tmp_path)
    assert {"work/gpu/parity.json", "work/gpu/block.json", "dvc.lock"} <= files.keys()
    assert {"results/curves/stories/mamba/seed-0.json", "results/metrics/stories/gam/seed-0.json"} <= files.keys()
    assert sum(name.startswith("results/timing/") for name in files) == 1
    assert sum(name.startswith("results/scaling/") for name in files) == 4
    parity = json.loads(files["work/gpu/parity.json"])
    assert set(parity["rerun"].values()) == {True}
    assert max(parity["blocks"].values()) == 0


def test_a_part_that_fails_is_named_and_the_next_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one that needs it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((HOUSE / "params.yaml").read_bytes())
    parts = [
        Part("first", [["no_such_module"]]), Part("second", [["this"]]), Part("third", [["this"]], needs="first")
    ]  # fmt: skip
    monkeypatch.setattr(gpu, "first_parts", lambda *_: parts)
    monkeypatch.setattr(gpu, "further_parts", lambda _: [])
    pack = tmp_path / "pack.tar.gz"
    with pytest.raises(SystemExit) as stop:
        gpu.run(float("inf"), pack, "cpu", "dry")
    assert stop.value.code == 1
    assert json.loads((tmp_path / gpu.done_file("dry")).read_text()) == ["second"]
    assert b"no_such_module" in packed(tmp_path)["work/gpu/first.log"]


def test_what_runs_when_the_time_is_up_saves_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((HOUSE / "params.yaml").read_bytes())
    (tmp_path / "saves.py").write_text(
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path('saved').touch(), sys.exit(143)))\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(gpu, "first_parts", lambda *_: [Part("long", [["saves"]]), Part("never", [["this"]])])
    monkeypatch.setattr(gpu, "further_parts", lambda _: [])
    monkeypatch.setattr(gpu, "SHORTEST", 0.5)
    gpu.run(gpu.time.monotonic() + 4, tmp_path / "pack.tar.gz", "cpu", "dry")
    assert (tmp_path / "saved").exists()
    said = capsys.readouterr().out
    assert "long: cut off" in said
    assert "time is up: the same command goes on from here" in said
    assert not (tmp_path / gpu.done_file("dry")).exists()


def test_no_gpu() -> None:
    with pytest.raises(UserError, match=r"no GPU to measure: .*; `make gpu DRY=1` tries everything on the CPU"):
        gpu.require_gpu()


def test_what_is_made_in_which_order() -> None:
    """The paper's family is whole at the end, text by text, and seed by seed; what ten minutes are for comes first."""
    params = load_params()
    family = params.families["paper"]
    first = [part.name for part in gpu.first_parts(params, "cuda")]
    assert first[0] == "parity"
    assert first.index(gpu.KERNELS) < first.index("timing") < first.index("scaling of gam") < len(first) - 1
    further = [part.name for part in gpu.further_parts(params)]
    texts = sorted(family.datasets, key=lambda text: text != gpu_parts.first_text(params))
    runs = [training(d, m, s).name for d in texts for s in family.seeds for m in family.models]
    assert [name for name in further if name in runs] == runs
    assert paths.scaling("mamba", "x").name == "x.json"


def test_the_kernels_are_compiled_for_one_gpu(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "nvcc"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\n")
    tool.chmod(0o755)

    def given(major: str, *arguments: str) -> list[str]:
        done = subprocess.run(
            ["sh", WRAPPER, major, *arguments], env={"CUDA_HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.split("|")[:-1]

    several = [
        word for arch in ("75", "80", "87", "90", "120") for word in ("-gencode", f"arch=compute_{arch},code=sm_{arch}")
    ]
    assert given("9", "-c", "a b.cu", *several, "-o", "x") == ["-c", "a b.cu", *several[6:8], "-o", "x"]
    assert given("8", *several) == several[2:6]
    assert given("6", *several) == several, "none of them: all are kept"
    assert given("12", *several) == several[8:10]
