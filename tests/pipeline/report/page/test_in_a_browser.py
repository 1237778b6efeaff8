"""The report as a reader meets it: on a desk, on a phone and on paper, by mouse, finger, keys and screen reader."""

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import ImageChops, ImageStat
from selenium.webdriver.common.keys import Keys

from pipeline.base import paths
from pipeline.report.page.drawings import Drawings
from tests.pipeline.report.page.browser import Browser

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no browser: `apt-get install chromium chromium-driver` brings it"
)
LARGEST = 1_500_000
"""Bytes."""
DESK, PHONE, PAPER = 1280, 390, 718
"""Widths in pixels; of paper that of A4 between its margins."""
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
CLAIMS = [f"c{number}" for number in range(1, 13)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM
    assert DRIVER
    browser = Browser(CHROMIUM, DRIVER)
    yield browser
    browser.driver.quit()


def box(browser: Browser) -> str | None:
    """The text of the box that says where a number is from; None where it is closed."""
    found: str | None = browser.run(
        "const box = document.getElementById('origin'); return box.checkVisibility() ? box.innerText : null"
    )
    return found


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_it_asks_for_nothing_and_fits(browser: Browser, page: Path, width: int) -> None:
    assert page.stat().st_size < LARGEST
    browser.show(page, width)
    assert browser.run("return document.documentElement.scrollWidth") == width
    assert browser.requests() == [page.as_uri()]
    assert browser.messages() == []


def test_tables_sort_by_key_and_by_click(browser: Browser, made_up_page: Path) -> None:
    """Within each group, numbers by their size, and words after them."""
    browser.show(made_up_page)
    headings = browser.run("return [...document.querySelectorAll('#table-main thead th')].map(each => each.innerText)")
    column = headings.index("Val. loss reproduced (nats/token)")
    read = """return [...document.querySelector('#table-main table').tBodies].map(
        group => [...group.rows].map(row => (row.cells[arguments[0]] || row.cells[0]).innerText))"""
    heading = browser.first(f"#table-main thead th:nth-child({column + 1})")
    button = browser.first(f"#table-main thead th:nth-child({column + 1}) button")
    before = browser.run(read, column)
    browser.run("arguments[0].focus()", button)
    browser.press(Keys.ENTER)
    rising = browser.run(read, column)
    assert heading.get_attribute("aria-sort") == "ascending"
    button.click()
    falling = browser.run(read, column)
    assert heading.get_attribute("aria-sort") == "descending"
    for old, up, down in zip(before, rising, falling, strict=True):
        assert old[0] == up[0] == down[0]  # the name of the group
        assert sorted(old) == sorted(up) == sorted(down)
        numbers = [float(cell.split()[0]) for cell in up[1:] if cell[0].isdigit()]
        assert numbers == sorted(numbers)
        assert [cell for cell in up[1:] if not cell[0].isdigit()] == up[1 + len(numbers) :]
        assert [float(cell.split()[0]) for cell in down[1 : 1 + len(numbers)]] == numbers[::-1]
    assert before != rising != falling
    browser.first("#table-main thead button").click()
    assert heading.get_attribute("aria-sort") is None


def test_where_a_number_is_from_by_keys(browser: Browser, made_up_page: Path) -> None:
    browser.show(made_up_page)
    browser.tab_to(".n")
    assert re.search(r"made by\s+python -m pipeline\.timing\s+code\s+aaaaaaaaaaaa-dirty", box(browser) or "")
    browser.press(Keys.ESCAPE)
    assert box(browser) is None
    browser.tab_to("[data-from*=' ']")
    browser.press(Keys.ENTER)  # into the box, where all files can be opened
    browser.tab_to("#origin summary")
    browser.press(Keys.ENTER)
    assert (box(browser) or "").count("seed-4.json") > 0
    browser.press(Keys.ESCAPE)
    assert box(browser) is None
    assert browser.run("return document.activeElement.matches('.n')")


def test_where_a_number_is_from_by_mouse(browser: Browser, made_up_page: Path) -> None:
    browser.show(made_up_page)
    browser.hover(browser.first(".n"))
    assert "results/timing/" in (box(browser) or "")
    browser.hover(browser.first("#origin dd"))
    browser.run("return new Promise(done => setTimeout(done, 300))")
    assert box(browser) is not None
    browser.hover(browser.first("h1"))
    browser.run("return new Promise(done => setTimeout(done, 300))")
    assert box(browser) is None


def test_where_a_number_is_from_by_finger(browser: Browser, made_up_page: Path) -> None:
    browser.show(made_up_page, PHONE)
    browser.tap(browser.first(".n"))
    assert "results/timing/" in (box(browser) or "")
    place = browser.run("return document.getElementById('origin').getBoundingClientRect().toJSON()")
    assert place["left"] >= 0
    assert place["right"] <= PHONE
    browser.tap(browser.first("#origin > button"))
    assert box(browser) is None


def test_curves_are_switched_on_and_off(browser: Browser, made_up_page: Path) -> None:
    browser.show(made_up_page)
    shown = "return [...document.querySelectorAll('#chart polyline')].map(line => getComputedStyle(line).visibility)"
    assert browser.run(shown) == ["visible"] * 30  # six models, five seeds
    tab = browser.first("[aria-label='gam seed 0']")
    browser.run("arguments[0].focus()", tab)
    browser.press(Keys.SPACE)
    assert sorted(browser.run(shown)) == ["hidden", *["visible"] * 29]
    browser.press(Keys.SPACE)
    assert "hidden" not in browser.run(shown)
    marks = browser.run("return [...document.querySelectorAll('#chart text')].map(text => text.textContent)")
    assert marks == ["3", "4", "5", "6", "7", "8", "9", "1", "2", "epoch"]


@pytest.mark.parametrize(
    ("ends", "marks"),
    [
        ((5.8236, 6.4412, 5), ["5.8", "6.0", "6.2", "6.4", "6.6"]),
        ((4.0, 4.0, 5), ["4.0"]),
        ((1, 60, 10), ["0", "10", "20", "30", "40", "50", "60"]),
        ((0.0012, 0.0019, 5), ["0.0012", "0.0014", "0.0016", "0.0018", "0.0020"]),
        ((98, 1204, 5), ["0", "500", "1000", "1500"]),
    ],
)
def test_marks_of_an_axis_are_round(
    browser: Browser, made_up_page: Path, ends: tuple[float, ...], marks: list[str]
) -> None:
    browser.show(made_up_page)
    assert browser.run("return ticks(...arguments).map(mark => mark.text)", *ends) == marks


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_figure_large(browser: Browser, made_up_page: Path, width: int) -> None:
    browser.show(made_up_page, width)
    button = browser.first("#figure-validation_loss .zoom")
    browser.run("arguments[0].focus()", button)
    browser.press(Keys.ENTER)
    dialog = browser.first("#large")
    assert dialog.is_displayed()
    assert dialog.accessible_name == "validation loss"
    drawn = "return document.querySelector(arguments[0]).getBoundingClientRect().width"
    assert browser.run(drawn, "#large svg") > 1.2 * browser.run(drawn, "#figure-validation_loss svg")
    for _ in range(4):
        browser.press(Keys.TAB)
        assert browser.run(
            "const at = document.activeElement; return at === document.body || arguments[0].contains(at)", dialog
        )
    browser.press(Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert browser.run("return document.activeElement") == button


def test_each_claim_has_an_address(browser: Browser, made_up_page: Path) -> None:
    browser.show(made_up_page, at="#c7")
    for claim in ["c7", *CLAIMS]:
        browser.run("location.hash = arguments[0]", claim)
        top = browser.run("return document.getElementById(arguments[0]).getBoundingClientRect().top", claim)
        assert 0 <= top < 200, claim
        assert browser.first(f"#{claim} h3").text.startswith(f"{claim.upper()}: ")


def test_on_paper(browser: Browser, page: Path) -> None:
    """Without what cannot be pressed there, with all that is folded in, black on white, and no table cut off."""
    browser.show(page, PAPER, scheme="dark", media="print")
    for hidden in ("nav", ".skip", ".runs label", "#origin"):
        assert not browser.first(hidden).is_displayed(), hidden
    assert browser.run("return [...document.querySelectorAll('details li')].every(item => item.checkVisibility())")
    heights = browser.run("return [...document.querySelectorAll('details li')].map(item => item.offsetHeight)")
    assert min(heights) > 0
    assert browser.run("return document.documentElement.scrollWidth") <= PAPER
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_for_a_screen_reader(browser: Browser, page: Path, width: int) -> None:
    browser.show(page, width)
    tree = browser.tree()
    levels = [node["level"] for node in tree if node["role"] == "heading"]
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    roles = [node["role"] for node in tree]
    assert roles.count("main") == roles.count("banner") == roles.count("contentinfo") == 1
    assert [node["name"] for node in tree if node["role"] == "navigation"] == ["Sections"]
    tables = [node["name"] for node in tree if node["role"] == "table"]
    assert len(tables) == browser.run("return document.querySelectorAll('table').length")
    named = "heading button link figure checkbox image region article columnheader rowheader".split()
    assert [node for node in tree if node["role"] in ("table", *named) and not node["name"].strip()] == []
    assert set(named) <= set(roles)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(browser: Browser, page: Path, scheme: str) -> None:
    browser.show(page, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true })")
    browser.run("document.querySelector('.n').click()")
    found = browser.run(CONTRAST)
    assert found["faults"] == []
    assert found["checked"] > 500


def test_figures_look_as_in_their_files(browser: Browser, made_up: Path, tmp_path: Path) -> None:
    """Pixel by pixel, but for the shade of some at edges."""
    drawings = Drawings()
    for name in ("gam_block", "growth", "validation_loss"):
        file = made_up / paths.FIGURES / f"{name}.svg"
        drawing = drawings.add(file).svg
        shared = f"<style>{drawings.css}</style><svg width=0 height=0><defs>{drawings.defs}</defs></svg>"
        pictures = []
        for svg in (file.read_text(encoding="utf-8").partition("\n<svg")[2], drawing.removeprefix("<svg")):
            (tmp_path / "one.html").write_text(
                f"<!doctype html><meta charset=utf-8><body style='margin:0'><svg style='width:1200px;height:auto'{svg}"
                + shared,
                encoding="utf-8",
            )
            browser.show(tmp_path / "one.html")
            pictures.append(browser.picture())
        difference = ImageChops.difference(*pictures)
        assert max(ImageStat.Stat(pictures[0]).stddev) > 10  # something is drawn
        assert ImageStat.Stat(difference).mean[0] < 0.1  # of 255
        assert sum(difference.histogram()[96:]) == 0
