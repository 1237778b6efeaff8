"""What the tests share: a tiny configuration, and stages called in a folder of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.base.errors import exit_cleanly
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import merge, only_what_runs
from pipeline.data.tokens import TokenFolder, open_tokens
from pipeline.fetch import main as fetch
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params, validate_params
from pipeline.tokenise import main as tokenise

Edit = dict[str, Any]


def tiny_params() -> dict[str, Any]:
    """params.yaml with tests/tiny.yaml on top, and only what the grid names."""
    tiny = Path(__file__).with_name("tiny.yaml")
    values = merge(read_yaml(HOUSE / "params.yaml"), read_yaml(tiny))
    values = only_what_runs(values, validate_params(values, tiny))
    values["datasets"] = {name: values["datasets"][name] for name in values["grid"]["datasets"]}
    return values


def reduced_grid(base: dict[str, Any]) -> Edit:
    """A change of `base` that adds a grid with three seeds and a family of its own, which has no Mamba."""
    roles = {"transformer": "transformer", "gam": "gam", "sum_fusion": "gam-sum-fusion"}
    names = {role: f"{name}-reduced" for role, name in roles.items()}
    lacking = {"mamba": None, "global_only": None, "local_only": None}
    return {
        "cpu_grids": {"reduced": {"datasets": ["less"], "models": list(names.values()), "seeds": [0, 1, 2]}},
        "datasets": {"less": base["datasets"]["stories"] | {"vocab_size": 140}},
        "models": {names[role]: base["models"][name] for role, name in roles.items()},
        "claims": {"families": {"reduced": names | lacking}},
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
