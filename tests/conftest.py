"""What the tests share: a tiny configuration, and stages called in a folder of their own."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.errors import exit_cleanly
from pipeline.fetch import main as fetch
from pipeline.params import load_params
from pipeline.quickstart import HOUSE, merge
from pipeline.tokenise import main as tokenise
from pipeline.tokens import TokenFolder, open_tokens
from pipeline.yaml_file import read_yaml

Edit = dict[str, Any]


def tiny_params() -> dict[str, Any]:
    """params.yaml with tests/tiny.yaml on top, and only the models of the grid."""
    values = merge(read_yaml(HOUSE / "params.yaml"), read_yaml(Path(__file__).with_name("tiny.yaml")))
    used = [*values["grid"]["models"], *values["grid"]["ablation_models"], "mamba"]  # mamba is timed
    values["models"] = {name: values["models"][name] for name in used}
    roles = values["claims"]["families"]["paper"]
    roles.update({role: None for role, name in roles.items() if name not in used})
    values["datasets"] = {name: values["datasets"][name] for name in values["grid"]["datasets"]}
    return dict(values)


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
