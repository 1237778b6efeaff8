"""Stages side by side, on a graph of stages that take no time: what is recorded, what is tried again, what stops."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from pipeline.commands import workers
from tests.pipeline.commands.graphs import GRAPH, begin, diary, environment, launch, out_of_date

WAIT = """
import signal, sys, time
from pathlib import Path

def save(*_):
    time.sleep(0.5)
    Path(f"{name}.saved").touch()
    if not ends_well:
        sys.exit(143)

signal.signal(signal.SIGTERM, save)
Path(f"{name}.waits").touch()
while not Path(f"{name}.saved").exists():
    time.sleep(0.05)
"""
"""Lasts until SIGTERM, and saves itself then."""


def test_a_stage_begins_when_what_it_needs_is_made(graph: Path) -> None:
    code, text = launch(graph)
    assert code == 0, text
    lines = diary(graph)
    assert sorted(lines) == sorted(f"{name} {what}" for name in GRAPH for what in ("begins", "ends"))
    assert lines.index("a ends") < lines.index("c begins")
    assert lines.index("d ends") == lines.index("d begins") + 1
    assert lines[-2:] == ["e begins", "e ends"]
    assert "[5 of 5] tables e" in text
    assert out_of_date(graph) == set()


def test_what_is_named_runs_with_what_it_needs(graph: Path) -> None:
    assert launch(graph, 2, "c")[0] == 0
    assert [line for line in diary(graph) if line.endswith("ends")] == ["a ends", "c ends"]
    code, text = launch(graph, 2, "c", "f")
    assert code == 2
    assert text == "error: command line: dvc.yaml has no stage 'f'; `dvc stage list` names them all\n"


def test_each_job_has_a_gpu_of_its_own(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-x,GPU-y")
    for name, other in ("ab", "ba"):
        (graph / f"{name}.todo").write_text(
            f"Path('{name}.gpu').write_text(os.environ['CUDA_VISIBLE_DEVICES'])\n"
            f"[time.sleep(0.01) for _ in range(3000) if not Path('{other}.gpu').exists()]\n"
        )
    assert launch(graph, 2, "a", "b")[0] == 0
    assert {(graph / f"{name}.gpu").read_text() for name in "ab"} == {"GPU-x", "GPU-y"}


def test_gpus_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By nvidia-smi, unless the environment names them; without it there are none."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert workers.gpus() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: Tesla T4 (UUID: GPU-1a-2b)'\necho 'GPU 1: Tesla T4 (UUID: GPU-3c)'\n")
    tool.chmod(0o755)
    assert workers.gpus() == ["GPU-1a-2b", "GPU-3c"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert workers.gpus() == ["1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert workers.gpus() == []


@pytest.mark.parametrize(
    ("free", "chosen"),
    [({"x": "900", "y": "40000"}, "y"), ({"x": "900", "y": "[N/A]"}, "x"), ({}, "x")],
)
def test_a_gpu_that_others_use_comes_last(monkeypatch: pytest.MonkeyPatch, free: dict[str, str], chosen: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "x,y")
    monkeypatch.setattr(workers, "ask", lambda name, field: {field: free[name]} if name in free else {})
    seen = []
    monkeypatch.setattr(workers, "start", lambda *_, gpu, **__: seen.append(gpu))
    workers.Local(2).start(SimpleNamespace(cmd="", addressing=""), [], alone=False)
    assert seen == [chosen]


def test_a_second_launch_runs_what_changed(graph: Path) -> None:
    launch(graph)
    assert "Nothing to run" in launch(graph)[1]
    (graph / "diary").unlink()
    (graph / "out/b").unlink()
    (graph / "a.in").write_text("2")
    assert launch(graph)[0] == 0
    assert {line.split()[0] for line in diary(graph)} == {"a", "b", "c", "e"}
    assert out_of_date(graph) == set()


def test_dvc_finds_nothing_left(graph: Path) -> None:
    """What it would have written into dvc.lock is there; and the other way round."""
    launch(graph)
    ours = YAML(typ="safe").load(graph / "dvc.lock")
    (graph / "dvc.lock").unlink()
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--force"], cwd=graph, env=environment(), check=True)
    assert YAML(typ="safe").load(graph / "dvc.lock") == ours
    assert "Nothing to run" in launch(graph)[1]


def test_what_fails_stops_only_what_needs_it(graph: Path) -> None:
    """The tables are made all the same."""
    (graph / "c.todo").write_text("print('no room left'); sys.exit(3)")
    code, text = launch(graph)
    assert code == 1
    assert re.search(
        r"evaluate c ended with exit code 3, its output is in /\S+/work/logs/c.log:.*\n    no room left\n", text
    )
    assert text.splitlines()[-1] == "error: failed: c"
    assert diary(graph).count("c begins") == 1
    assert diary(graph)[-2:] == ["e begins", "e ends"]
    assert out_of_date(graph) == {"c"}


def test_a_training_that_fails_is_tried_again_alone(graph: Path) -> None:
    """Killed for memory, as here, it may fit with nothing beside it."""
    (graph / "a.todo").write_text("if not Path('a.begun').exists(): Path('a.begun').touch(); os.kill(os.getpid(), 9)")
    (graph / "b.todo").write_text("time.sleep(1)")
    code, text = launch(graph)
    assert code == 0, text
    assert "train a was killed by signal 9" in text
    second = [at for at, line in enumerate(diary(graph)) if line == "a begins"][1]
    assert diary(graph)[second + 1] == "a ends"
    assert second > diary(graph).index("b ends")


def test_a_training_that_fails_twice(graph: Path) -> None:
    (graph / "a.todo").write_text("raise ValueError('no')")
    code, text = launch(graph)
    assert code == 1
    assert text.count("ValueError: no") >= 2
    assert text.splitlines()[-2:] == ["error: failed: a", "error: not run, since they need one that failed: c"]
    assert diary(graph).count("a begins") == 2
    assert {"b ends", "d ends", "e ends"} <= set(diary(graph))


def test_inputs_that_change_meanwhile_are_not_recorded(graph: Path) -> None:
    (graph / "d.todo").write_text("Path('d.in').write_text('2')")
    code, text = launch(graph)
    assert code == 1
    assert "what it reads was changed while it ran" in text
    assert "d" in out_of_date(graph)


def test_outputs_that_are_missing_are_not_recorded(graph: Path) -> None:
    (graph / "d.todo").write_text("sys.exit(0)")
    code, text = launch(graph)
    assert code == 1
    assert "output 'out/d' does not exist" in text
    assert "d" in out_of_date(graph)


@pytest.mark.parametrize(("number", "send"), [(signal.SIGINT, os.kill), (signal.SIGTERM, os.killpg)])
def test_being_stopped_reaches_all_that_run(
    graph: Path, number: signal.Signals, send: Callable[[int, int], None]
) -> None:
    """They end in their own time, those that end well are recorded, and nothing else begins. So too where all of the
    launcher's group are told, as `timeout` does it.
    """
    for name in "ab":
        (graph / f"{name}.todo").write_text(
            "exec(Path('wait.py').read_text(), {'name': name, 'ends_well': name == 'b'})"
        )
    (graph / "wait.py").write_text(WAIT)
    process = begin(graph)
    while not all((graph / f"{name}.waits").exists() for name in "ab"):
        assert process.poll() is None
        time.sleep(0.05)
    send(process.pid, number)
    text, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}, everything is saved" in text
    assert "ended with exit code" not in text
    assert all((graph / f"{name}.saved").exists() for name in "ab")
    assert {line.split()[0] for line in diary(graph)} == {"a", "b"}
    assert out_of_date(graph) == {"a", "c", "d", "e"}
