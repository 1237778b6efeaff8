"""Figures in the page: less of them, and the same to the eye. How they look, test_in_a_browser.py compares."""

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from pipeline.report.figures.drawing import rendered, same_everywhere
from pipeline.report.page.drawings import Drawings


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two figures with the same letters, marks, and a clip each."""
    made = []
    with same_everywhere():
        for name, width in (("one", 3.4), ("two", 7.0)):
            figure = Figure(figsize=(width, 2))
            figure.subplots().plot([0, 1 / 3, 1], [0, 2 / 3, 1], "o--", label="a & b")
            figure.legend()
            made.append(tmp_path_factory.getbasetemp() / f"{name}.svg")
            made[-1].write_bytes(rendered(figure, "svg", name))
    return made


def test_what_figures_share_is_written_once(files: list[Path]) -> None:
    drawings = Drawings()
    first = drawings.add(files[0])
    defs, css = drawings.defs, drawings.css
    second = drawings.add(files[1])
    assert (first.width, second.width) == (244.8, 504.0)
    assert len(drawings.defs) < len(defs) + 400  # two clips
    assert drawings.css == css
    names = re.findall(r' id="([^"]+)"', drawings.defs)
    assert len(names) == len(set(names))
    used = set(re.findall(r"#(d\d+)", first.svg + second.svg))
    assert used == set(names)
    assert len(first.svg) + len(second.svg) + len(drawings.defs) < 0.4 * sum(file.stat().st_size for file in files)


def test_nothing_drawn_is_lost(files: list[Path]) -> None:
    before, after = files[0].read_text(), Drawings().add(files[0]).svg
    inside = re.sub(r"<defs>.*?</defs>", "", before, flags=re.S)
    for tag in ("<use", "<path", "clip-path="):
        assert after.count(tag) == inside.count(tag) > 0
    assert "<title>one</title>" in after
    assert "metadata" not in after
    longest = max(len(number.partition(".")[2]) for number in re.findall(r"-?\d+\.\d+", after) if "." in number)
    assert longest <= 6  # the scale of letters is whole, coordinates are rounded
    assert not re.search(r'(?:x|y|width|height)="-?\d+\.\d{4}', after)
    assert "scale(0.07 -0.07)" in after


def test_the_same_bytes_again(files: list[Path]) -> None:
    one, two = Drawings(), Drawings()
    assert [one.add(file) for file in files] == [two.add(file) for file in files]
    assert (one.defs, one.css) == (two.defs, two.css)
