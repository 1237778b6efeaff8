"""What the tests share: a tiny configuration, and stages called in a folder of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from ruamel.yaml import YAML

from pipeline.base.errors import exit_cleanly
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import merge, only_what_runs, with_overlay
from pipeline.data.rows import encode_rows
from pipeline.data.tokens import TokenFolder, open_tokens
from pipeline.fetch import main as fetch
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params, validate_params
from pipeline.tokenise import main as tokenise

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is loaded, which torch's compiler may do in any test

Edit = dict[str, Any]


def tiny_params() -> dict[str, Any]:
    """params.yaml with tests/tiny.yaml on top, and only what its runs need."""
    tiny = Path(__file__).with_name("tiny.yaml")
    values = with_overlay(read_yaml(HOUSE / "params.yaml"), read_yaml(tiny))
    return only_what_runs(values, validate_params(values, tiny))


def reduced_family(base: dict[str, Any]) -> Edit:
    """A change of `base` that adds a family with three seeds, which has no Mamba, on a text of its own."""
    models = {f"{name}-reduced": base["models"][name] for name in ("transformer", "gam", "gam-sum-fusion")}
    return {
        "families": {"reduced": {"datasets": ["less"], "models": list(models), "seeds": [0, 1, 2]}},
        "datasets": {"less": base["datasets"]["stories"] | {"vocab_size": 140}},
        "models": models,
    }


class Workspace:
    """A folder with params.yaml in which stages are called as functions."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        self.write(tiny_params())

    def write(self, params: dict[str, Any]) -> None:
        YAML().dump(params, self.folder / "params.yaml")

    def edit(self, change: Edit) -> None:
        """Merge a change into params.yaml."""
        self.write(merge(read_yaml(self.folder / "params.yaml"), change))

    def call(self, main: Callable[[], None], *arguments: str) -> None:
        """Run a stage's main function with a command line, as `python -m` does."""
        self.monkeypatch.setattr(sys, "argv", ["stage", *arguments])
        exit_cleanly(main)


def tokens_of(name: str) -> TokenFolder:
    """The tokens of a data set of the present params.yaml."""
    return open_tokens(name, load_params().datasets[name])


def as_stored(rows: Iterable[str]) -> bytes:
    """A split on disk."""
    return b"".join(encode_rows(rows))


def run_without(blocked: list[str], code: str, folder: Path) -> None:
    """Run code in a new process where importing any of `blocked` fails."""
    block = f"import sys; sys.path.insert(0, {str(HOUSE)!r}); sys.modules.update(dict.fromkeys({blocked}))\n"
    done = subprocess.run([sys.executable, "-c", block + code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("GAM_DATASETS_MIRROR", raising=False)
    return Workspace(tmp_path, monkeypatch)


@pytest.fixture
def tokenised(workspace: Workspace) -> Workspace:
    """A workspace in which the corpus is ready for training."""
    workspace.call(fetch, "--dataset", "stories")
    workspace.call(tokenise, "--dataset", "stories")
    return workspace


@pytest.fixture
def refusal(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Call a stage that must refuse: exit code 2, and one line on stderr, which is returned."""

    def refuse(main: Callable[[], None], *arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            workspace.call(main, *arguments)
        assert stop.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: ")
        return lines[0]

    return refuse
