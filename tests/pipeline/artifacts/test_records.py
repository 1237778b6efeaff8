"""Result files that are damaged or edited: refused by name, with the old tables left as they are."""

from collections.abc import Callable

import pytest

from pipeline.base import paths
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import (
    write_run,
)
from tests.pipeline.conftest import written


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"parameters": 1250000', '"parameters": 1250000,,', "gam/seed-0.json is not valid JSON"),
        ('"parameters": 1250000,', "", "gam/seed-0.json: parameters: Field required"),
        ('"validation_loss": 5.0', '"validation_loss": NaN', "gam/seed-0.json: epochs.1.validation_loss: "),
        ('"validation_loss": 5.0', '"validation_loss": "low"', "gam/seed-0.json: epochs.1.validation_loss: "),
        ('"threads": 2', '"threads": 2, "cores": 8', "gam/seed-0.json: provenance.cores: "),
    ],
)
def test_damaged_results(workspace: Workspace, refusal: Callable[..., str], old: str, new: str, message: str) -> None:
    workspace.call(tables)
    before = written()
    write_run("gam", 0, [4.5, 5.0])
    file = paths.curve("stories", "gam", 0)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert message in refusal(tables)
    assert written() == before


def test_a_result_edited_by_hand(refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    file = paths.curve("stories", "gam", 0)
    file.write_text(file.read_text().replace('"validation_loss": 5.0', '"validation_loss": 4.0'))
    assert "gam/seed-0.json is not as it was written: its sha256 does not fit its content" in refusal(tables)
