"""report/index.html: the answers, findings, tables, figures and learning curves, in one file that needs no network."""

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
from pipeline.report.findings import ELSEWHERE, OPEN_CLAIMS, OPENING, findings
from pipeline.report.notes import in_short, terms
from pipeline.report.page.drawings import Drawings
from pipeline.report.page.origins import dates_in_git, origin
from pipeline.report.published import Published
from pipeline.report.tables.claims import HEADERS, answer_rows, claim_sections, claims_notes
from pipeline.report.tables.layout import Bold, Table, Text, files_of

HERE = Path(__file__).parent
WIDE = 300
"""Points from which on a figure is as wide as a page, and not as one of its columns."""


class Numbers:
    """The result files behind the numbers of a page, each told once."""

    def __init__(self) -> None:
        self.dates = dates_in_git()
        self.places: dict[Path, int] = {}
        self.origins: list[dict[str, str]] = []

    def button(self, text: str, files: tuple[Path, ...]) -> Markup:
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
    numbers, found, drawings = Numbers(), answers(params), Drawings()
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = lambda cell: _cell(cell, numbers)
    environment.filters["text"] = lambda text: _text(text, numbers)
    environment.filters["prose"] = _prose
    values: dict[str, Any] = {
        "in_short": in_short(found),
        "headers": HEADERS,
        "answers": answer_rows(params, found, published, ""),
        "terms": terms(params),
        "sections": claim_sections(params, found, published),
        "rule": claims_notes(params, published),
        "tables": tables,
        "findings": findings(params, published, found),
        "findings_opening": _prose(OPENING).format(rule=Markup('<a href="#rule">rule</a>'), made_by="make report"),
        "open_claims": OPEN_CLAIMS,
        "elsewhere": ELSEWHERE,
        # What the drawings share is known once they are all there.
        "figures": [_figure(file, drawings) for file in sorted(paths.FIGURES.glob("*.svg"))],
        "drawn": Markup(drawings.defs),
        "css": Markup(_beside("page.css") + drawings.css),
        "js": Markup(_beside("page.js") + _beside("curves.js")),
        "missing": _missing(params),
    }
    # The numbers are known once the rest is written.
    body = environment.get_template("page.html.j2").render(values)
    data = json.dumps({"origins": numbers.origins, "curves": _curves(params)}, ensure_ascii=False)
    return body.replace("__DATA__", data.replace("<", "\\u003c"))


def _beside(name: str) -> str:
    """A file of this folder."""
    return (HERE / name).read_text(encoding="utf-8")


def _prose(text: str) -> Markup:
    """Sentences in which names of things stand in backquotes."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _cell(cell: str, numbers: Numbers) -> Markup:
    shown = numbers.button(cell, files_of(cell)) if files_of(cell) else escape(cell)
    return Markup("<strong>{}</strong>").format(shown) if isinstance(cell, Bold) else shown


def _text(text: Text, numbers: Numbers) -> Markup:
    parts = []
    for span in text:
        part = escape(span.text)
        if span.files:
            part = numbers.button(span.text, span.files)
        elif span.link.startswith("#"):
            part = Markup('<a href="{}">{}</a>').format(span.link, span.text)
        parts.append(Markup("<strong>{}</strong>").format(part) if span.bold else part)
    return Markup("").join(parts)


def _figure(file: Path, drawings: Drawings) -> dict[str, Any]:
    """What the template says of a figure, whose name ends with a device where there is one for each."""
    drawing, words = drawings.add(file), file.stem.split("_")
    about, devices = (" ".join(word for word in words if ("-" in word) is is_device) for is_device in (False, True))
    return {
        "name": file.stem,
        "caption": f"{about}, {devices}" if devices else about,
        "is_wide": drawing.width > WIDE,
        "svg": Markup(drawing.svg),
    }


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
