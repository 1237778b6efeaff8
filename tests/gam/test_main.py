"""`python -m gam`: a mistake is one line, and exit code 2."""

import sys
from pathlib import Path

import pytest

from gam.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "command line: the following arguments are required: command"),
        (["generate"], "command line: the following arguments are required: folder, prompt"),
        (["generate", "folder", "text", "--tokens", "ten"], "argument --tokens: invalid int value: 'ten'"),
        (["write"], "invalid choice: 'write'"),
        (["generate", "folder", "text"], "folder holds no model: config.json is missing"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gam", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.startswith("error: ")
    assert says in said
    assert said.count("\n") == 1
