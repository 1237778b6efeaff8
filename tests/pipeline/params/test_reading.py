"""How params.yaml is written: as DVC reads it, or refused in one line."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from pipeline.check import main as check
from pipeline.params.schema import load_params
from tests.conftest import Workspace

LAUGHS = ", ".join(["&a [x]", *(f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghij"))])
"""Aliases of aliases: written out, 400 million entries."""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_slot: 16", "n_slots: 16", "models.gam.n_slots is not a known key (did you mean 'n_slot'?)"),
        ("epochs: 2\n", "\n", "train.epochs is missing; every field is spelled out, add it"),
        ("epochs: 2\n", "epochs: 2\n  epochs: 3\n", 'found duplicate key "epochs"'),
        ("epochs: 2\n", "epochs: [2\n", "params.yaml is not valid YAML in line"),
        ("epochs: 2\n", "epochs: 2001-13-45\n", ": cannot read '2001-13-45' as timestamp: month must be in 1..12"),
        ("epochs: 2\n", "epochs: !!bool 2\n", ": cannot read '2' as bool"),
        ("epochs: 2\n", f"epochs: 0x{'f' * 5000}\n", "as int: it has more than 64 bits"),
        ("epochs: 2\n", f"epochs: {'9' * 5000}\n", "as int: Exceeds the limit"),
        ("epochs: 2\n", f"epochs: {'[' * 2000}\n", "params.yaml is nested too deeply"),
        ("epochs: 2\n", 'epochs: "\\U00110000"\n', "params.yaml is not valid YAML: "),
        ("runtime:", "%YAML 1.3\n---\nruntime:", "params.yaml is not valid YAML: version minor part"),
        ("runtime:", "? [[a]]\n: 1\nruntime:", "params.yaml is not valid YAML: "),
        ("runtime:", "\x1bruntime:", "params.yaml is not valid YAML in line 1: character 0x1b"),
        ("runtime:", "a: &x 1\nb: &x 2\nruntime:", "params.yaml is not valid YAML: found duplicate anchor 'x'"),
        ("epochs: 2\n", f"epochs: [{LAUGHS}]\n", "train.epochs: input should be a valid integer, got [['x'], [['x'],"),
    ],
)
def test_mistakes_of_writing(
    workspace: Workspace, refusal: Callable[..., str], old: str, new: str, message: str
) -> None:
    file = workspace.folder / "params.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert message in refusal(check)


def test_no_params(workspace: Workspace, refusal: Callable[..., str]) -> None:
    (workspace.folder / "params.yaml").unlink()
    assert "params.yaml is missing: run from the repository's root" in refusal(check)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_refused_as_dvc_refuses_them(
    workspace: Workspace, refusal: Callable[..., str], encoding: str
) -> None:
    file = workspace.folder / "params.yaml"
    file.write_text("# é\n" + file.read_text(), encoding=encoding)
    assert "params.yaml is not UTF-8 in line 1: save it in that encoding" in refusal(check)


def test_numbers_are_read_as_dvc_reads_them(workspace: Workspace) -> None:
    """YAML 1.2: 1e-3 is a number, which PyYAML takes for a string."""
    file = workspace.folder / "params.yaml"
    file.write_text(file.read_text().replace("learning_rate: 0.0003", "learning_rate: 1e-3"))
    assert load_params().train.learning_rate == 1e-3
