"""The report: one page, whose every reproduced number tells where it is from."""

import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.answers import answers
from pipeline.commands.report import main as report
from pipeline.params.schema import load_params
from pipeline.report.findings import findings
from pipeline.report.page.origins import command, dates_in_git
from pipeline.report.published import load_published
from pipeline.report.tables.builders import BUILDERS
from pipeline.report.tables.layout import Made
from pipeline.report.wording import plain
from tests.conftest import Workspace
from tests.made_up import STAMP, write_run

NEVER_CLOSED = {"meta", "input", "br", "img", "path", "use", "rect", "stop"}


class Reader(HTMLParser):
    """Checks that elements are closed in order, and collects what the tests ask for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.buttons: list[tuple[str, list[int]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"]] if values.get("id") else []
        self.links += [values[name] or "" for name in ("href", "src", "xlink:href") if name in values]
        if values.get("class") == "n":
            self.buttons.append(("", [int(at) for at in (values["data-from"] or "").split()]))
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in NEVER_CLOSED:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in NEVER_CLOSED:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "button" and self.buttons:
            shown, places = self.buttons[-1]
            self.buttons[-1] = shown or data, places


def data_of(page: str) -> dict[str, list[dict[str, object]]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, list[dict[str, object]]] = json.loads(found[1])
    return data


def test_every_reproduced_number_tells_where_it_is_from(filled: Workspace) -> None:
    filled.call(report)
    page = paths.REPORT.read_text()
    reader, data = Reader(page), data_of(page)
    shown = {text for text, _ in reader.buttons}
    params, published = load_params(), load_published()
    cells = [cell for build in BUILDERS for g in build(params, published)[0].groups for row in g.rows for cell in row]
    numbers = [cell for cell in cells if isinstance(cell, Made)]
    assert len(numbers) > 50
    assert set(numbers) <= shown
    used = {at for _, places in reader.buttons for at in places}
    assert used == set(range(len(data["origins"])))
    files = {str(each["file"]) for each in data["origins"]}
    assert {str(file) for cell in numbers for file in cell.files} <= files
    assert {file.split("/")[1] for file in files} >= {
        "curves",
        "clocks",
        "metrics",
        "ngrams",
        "scaling",
        "flops.json",
        "peak",
        "timing",
        "recall",
    }
    for told in data["origins"]:
        assert Path(str(told["file"])).is_file()
        assert told.keys() == {"file", "made by", "code", "device", "precision", "with", "changed in git", "current"}


def test_a_number_names_its_own_files_and_no_others(filled: Workspace) -> None:
    """Where others lie in the same folder too, such as a run that no family has."""
    write_run("gam", 9, [5.0, 4.0])
    assert 9 not in load_params().families["paper"].seeded()["stories", "gam"]
    filled.call(report)
    reader, data = Reader(paths.REPORT.read_text()), data_of(paths.REPORT.read_text())
    assert not [each for each in data["origins"] if "seed-9" in str(each["file"])]
    told = [{str(data["origins"][at]["file"]) for at in places} for _, places in reader.buttons]
    compared = ("gam", "gam-sum-fusion")
    assert {str(paths.curve("stories", model, seed)) for model in compared for seed in range(5)} in told


def test_the_findings_are_those_of_the_docs(filled: Workspace) -> None:
    filled.call(report)
    text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", paths.REPORT.read_text())))
    params, published = load_params(), load_published()
    found = findings(params, published, answers(params))
    assert len(found.told) > 5
    for each in found.told:
        assert f"{each.about}: {each.question} {each.sentence}" in text
        assert all(plain(line) in text for line in each.lines)
    assert all(line in text for line in found.open_claims)


def test_it_needs_nothing_but_itself(filled: Workspace) -> None:
    """No request, no name twice, every link inside leads somewhere, none is as Markdown has it, and the same bytes
    again."""
    filled.call(report)
    page = paths.REPORT.read_text()
    reader = Reader(page)
    outside = {link for link in reader.links if not link.startswith("#")}
    assert outside == {"https://arxiv.org/abs/2509.00605"}
    assert "](" not in page
    assert len(set(reader.ids)) == len(reader.ids)
    assert not any(" " in name for name in reader.ids)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert {f"c{number}" for number in range(1, 13)} <= set(reader.ids)
    filled.call(report)
    assert paths.REPORT.read_text() == page


def test_markup_in_a_result_is_text(filled: Workspace) -> None:
    evil = "</script><script>alert(1)</script>"
    for seed in range(5):
        write_run("gam", seed, [5.0, 4.0], stamp=STAMP.model_copy(update={"device": evil}))
    filled.call(report)
    page = paths.REPORT.read_text()
    assert "alert(1)" in page
    assert evil not in page
    assert page.count("<script>") == 1
    assert any(evil in str(each["device"]) for each in data_of(page)["origins"])


def test_half_of_the_results(workspace: Workspace, made_up: Path) -> None:
    """It says what is missing, and is a page all the same."""
    write_run("gam", 0, [5.0, 4.0])
    shutil.copytree(made_up / paths.FIGURES, paths.FIGURES)
    workspace.call(report)
    page = paths.REPORT.read_text()
    Reader(page)
    missing = sum(len(seeds) for seeds in load_params().runs().values()) - 1
    assert re.search(rf"Runs that are not made yet: {missing} of {missing + 1} in the family paper", page)


def test_without_figures(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        workspace.call(report)
    assert stop.value.code == 2
    assert "paper_tables/figures has no figures: `make tables` makes them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (paths.curve("t", "m", 3), "train --dataset t --model m --seed 3"),
        (paths.metrics("t", "m", 3), "evaluate --dataset t --model m --seed 3"),
        (paths.tuning("t", "m"), "tune --dataset t --model m"),
        (paths.recall("copying", "m"), "recall --task copying --model m"),
        (paths.scaling("m", "a-gpu"), "scaling --model m"),
        (paths.timing("a-gpu"), "timing"),
        (paths.ngrams("t"), "ngrams --dataset t"),
    ],
)
def test_the_command_that_made_a_file(file: Path, told: str) -> None:
    assert command(file) == told


def test_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if (HOUSE / ".git").exists():
        dates = dates_in_git()
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates.values())
        assert "results/timing/nvidia-h100-80gb-hbm3.json" in dates
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert dates_in_git() == {}
