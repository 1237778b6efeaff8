"""What a node does with a stage: in which folder it runs, what it hands over, and when it refuses."""

import shutil
import sys
from pathlib import Path

import pytest

from pipeline.base.errors import UserError
from pipeline.commands.handing_over import Task, code_sha256

STAGE = """
import sys
from pathlib import Path
assert not Path("secret").exists()
out = Path("out/weights")
out.parent.mkdir(exist_ok=True)
if out.exists() and out.read_text() == Path("in/tokens").read_text():
    Path("work/log").write_text("was there")
else:
    out.write_text(Path("in/tokens").read_text())
Path("many").mkdir(exist_ok=True)
Path("many/here").write_text("here")
Path("many/.here.tmp").write_text("half")
sys.exit(int(Path("work/code").read_text()))
"""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A stage that copies `in` to `out`, adds to the folder `many`, and ends with the code that work/code has."""
    files = {"stage.py": STAGE, "in/tokens": "1", "secret": "", "work/code": "0", "many/before": "before"}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "stage"]
    return Task(
        "copy", command, ["in"], ["out/weights", "many"], tmp_path, tmp_path / "work/slurm/copy-1", code_sha256()
    )


def test_whole_files_are_handed_over(task: Task) -> None:
    """The repository is as it was until the launcher takes them."""
    task()
    assert not (task.house / "out").exists()
    task.take_over()
    assert (task.house / "out/weights").read_text() == "1"
    assert {file.name: file.read_text() for file in (task.house / "many").iterdir()} == {
        "before": "before",
        "here": "here",
    }


def test_what_fails_hands_over_nothing(task: Task) -> None:
    (task.house / "work/code").write_text("3")
    task()
    ended = task.ended()
    assert ended is not None
    assert (ended.exit_code, ended.files) == (3, {})


def test_killed_between_writing_and_handing_over(task: Task) -> None:
    """The next attempt finds what the first finished. A third, of a node that came back, does nothing."""
    task()
    task.begin_again()
    task()
    assert (task.house / "work/log").read_text() == "was there"
    (task.folder / "ended.json").write_text('{"exit_code": 0, "sec')
    task()
    (task.house / "work/log").unlink()
    (task.house / "work/code").write_text("3")
    task()
    assert not (task.house / "work/log").exists()
    task.take_over()


def test_what_was_made_before_is_there(task: Task) -> None:
    """As where a stage runs in the repository: a finished run is left as it is."""
    (task.house / "out").mkdir()
    (task.house / "out/weights").write_text("1")
    task()
    assert (task.house / "work/log").read_text() == "was there"


def test_told_to_stop_it_leaves_no_word(task: Task) -> None:
    (task.house / "work/code").write_text("143")
    with pytest.raises(SystemExit):
        task()
    assert task.ended() is None


def test_other_code_is_refused(task: Task, capsys: pytest.CaptureFixture[str]) -> None:
    task.code = "another"
    with pytest.raises(SystemExit):
        task()
    assert capsys.readouterr().err == "refused: the code here is not the launcher's: call the launcher again\n"
    assert not task.made.exists()


@pytest.mark.parametrize("damage", ["changed", "missing", "more"])
def test_damage_is_noticed(task: Task, damage: str) -> None:
    task()
    if damage == "missing":
        shutil.rmtree(task.made / "out")
    else:
        (task.made / ("out/weights" if damage == "changed" else "many/more")).write_text("2")
    with pytest.raises(UserError, match="does not hold what was handed over there"):
        task.take_over()
    assert not (task.house / "out").exists()
