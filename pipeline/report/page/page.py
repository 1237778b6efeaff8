"""report/index.html: the answers, tables, figures and learning curves, in one file that needs no network."""

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipeline.artifacts.current import read_curves
from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.params.schema import Params
from pipeline.report.notes import in_short, terms
from pipeline.report.page.origins import dates_in_git, files_behind, origin
from pipeline.report.published import Published
from pipeline.report.tables.claims import HEADERS, answer_rows, claim_sections, claims_notes
from pipeline.report.tables.layout import Bold, Table, Text, files_of

HERE = Path(__file__).parent
RESULTS = f"{paths.RESULTS}/"


class Numbers:
    """The result files behind the numbers of a page, each told once."""

    def __init__(self) -> None:
        self.dates = dates_in_git()
        self.places: dict[Path, int] = {}
        self.origins: list[dict[str, str]] = []

    def button(self, text: str, files: list[Path]) -> Markup:
        """A number that tells where it comes from."""
        at = " ".join(str(self._place(file)) for file in files)
        return Markup('<button type="button" class="n" data-from="{}">{}</button>').format(at, text)

    def _place(self, file: Path) -> int:
        if file not in self.places:
            self.places[file] = len(self.origins)
            self.origins.append(origin(file, self.dates))
        return self.places[file]


def page(params: Params, published: Published, tables: list[Table]) -> str:
    """The same bytes from the same results and the same history of git."""
    numbers, found = Numbers(), answers(params)
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = lambda cell: _cell(cell, numbers)
    environment.filters["text"] = lambda text: _text(text, numbers)
    values: dict[str, Any] = {
        "in_short": in_short(found),
        "headers": HEADERS,
        "answers": answer_rows(params, found, published, ""),
        "terms": terms(params),
        "sections": claim_sections(params, found, published),
        "rule": claims_notes(params, published),
        "tables": tables,
        "figures": [(file.stem, _figure(file)) for file in sorted(paths.FIGURES.glob("*.svg"))],
        "css": Markup((HERE / "page.css").read_text(encoding="utf-8")),
        "js": Markup((HERE / "page.js").read_text(encoding="utf-8")),
        "missing": _missing(params),
    }
    # The numbers are known once the rest is written.
    body = environment.get_template("page.html.j2").render(values)
    data = json.dumps({"origins": numbers.origins, "curves": _curves(params)}, ensure_ascii=False)
    return body.replace("__DATA__", data.replace("<", "\\u003c"))


def _cell(cell: str, numbers: Numbers) -> Markup:
    shown = numbers.button(cell, list(files_of(cell))) if files_of(cell) else escape(cell)
    return Markup("<strong>{}</strong>").format(shown) if isinstance(cell, Bold) else shown


def _text(text: Text, numbers: Numbers) -> Markup:
    parts = []
    for span in text:
        part = escape(span.text)
        if span.link.startswith(RESULTS):
            part = numbers.button(span.text, files_behind(Path(span.link)))
        elif span.link.startswith("#"):
            part = Markup('<a href="{}">{}</a>').format(span.link, span.text)
        parts.append(Markup("<strong>{}</strong>").format(part) if span.bold else part)
    return Markup("").join(parts)


def _figure(file: Path) -> Markup:
    """An SVG that can stand in a page beside others: without a prologue, its names its own."""
    drawing = file.read_text(encoding="utf-8")
    drawing = drawing[drawing.index("<svg") :]
    own = re.sub(r"\W", "-", file.stem)
    drawing = re.sub(r'\bid="([^"]+)"', rf'id="{own}-\1"', drawing)
    drawing = re.sub(r"url\(#([^)]+)\)", rf"url(#{own}-\1)", drawing)
    drawing = re.sub(r'href="#([^"]+)"', rf'href="#{own}-\1"', drawing)
    return Markup(drawing)


def _curves(params: Params) -> list[dict[str, Any]]:
    """Validation losses after each epoch, run by run."""
    return [
        {
            "text": dataset,
            "model": model,
            "seed": curve.seed,
            "losses": [round(epoch.validation_loss, 4) for epoch in curve.epochs],
        }
        for dataset, model in params.runs()
        for curve in read_curves(params, dataset, model)
        if len(curve.epochs) > 1
    ]


def _missing(params: Params) -> str:
    """Which runs are not there yet, in one sentence."""
    lacking = []
    for name, family in params.families.items():
        runs = [(*run, seed) for run, seeds in family.seeded().items() for seed in seeds]
        missing = sum(not paths.curve(*run).exists() for run in runs)
        lacking += [f"{missing} of {len(runs)} in the family {name}"] if missing else []
    return f"Runs that are not made yet: {', '.join(lacking)}." if lacking else ""
