"""What is told DVC of stages that have ended."""

from pathlib import Path

import pytest
from dvc import dvcfile

from pipeline.commands.recording import ChangedMeanwhileError, begin, graph_of_stages, record, save
from tests.pipeline.commands.graphs import launch, out_of_date

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # of a package that DVC uses


def test_stages_that_ended_meanwhile_are_written_at_once(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each writing of dvc.lock takes seconds in a graph of hundreds of stages."""
    monkeypatch.chdir(graph)
    writings = []
    modify = dvcfile.modify_yaml
    monkeypatch.setattr(dvcfile, "modify_yaml", lambda path, fs: writings.append(path) or modify(path, fs=fs))
    with graph_of_stages() as stages:
        both = [stage for stage in stages if stage.addressing in "ab"]
        inputs = [begin(stage) for stage in both]
        for stage in both:
            Path("out").mkdir(exist_ok=True)
            Path("out", stage.addressing).write_text("made")
        for stage, read in zip(both, inputs, strict=True):
            save(stage, read)
        assert writings == []
        record(both)
    assert [Path(path).name for path in writings] == ["dvc.lock"]
    assert out_of_date(graph) == {"c", "d", "e"}


def test_one_that_cannot_be_recorded_leaves_the_others(graph: Path) -> None:
    (graph / "b.todo").write_text("sys.exit(0)")
    code, text = launch(graph)
    assert code == 1
    assert "b is not recorded" in text
    assert out_of_date(graph) == {"b"}


def test_what_changed_is_refused(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(graph)
    with graph_of_stages() as stages:
        (stage,) = (each for each in stages if each.addressing == "a")
        inputs = begin(stage)
        Path("a.in").write_text("2")
        with pytest.raises(ChangedMeanwhileError):
            save(stage, inputs)
