"""Tables and texts as Markdown and LaTeX, made safe for their format; the layout of LaTeX is in templates/."""

from math import ceil
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tabulate import tabulate

from pipeline.report.tables.layout import Bold, Group, Table, Text

TEMPLATES = Path(__file__).with_name("templates")
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "≥": r"$\geq$",
    "·": r"$\cdot$",
}
MARKDOWN = {"|": r"\|"}
LINES = 40
"""Of a table on a page of LaTeX."""
LINES_WITH_NOTES = 57
"""Of a table and the notes below it, on its last page."""
NOTE_WIDTH, NOTE_GAP = 110, 0.4
"""Characters in a line of a note, and lines between two notes."""


def to_markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown, its columns padded so that the source reads as a table too."""
    headers = [table.group_label, table.row_label]
    for column in table.columns:
        unit = f" ({column.quantity.unit})" if column.quantity.unit else ""
        headers.append(" ".join(filter(None, (column.quantity.label, column.source))) + unit)
    rows = [[_markdown(cell) for cell in (group.label, *row)] for group in table.groups for row in group.rows]
    lines = markdown_table(headers, rows, "ll" + "r" * len(table.columns))
    return f"# {table.title}\n\n{lines}\n\n{markdown_list(table.notes)}\n"


def markdown_table(headers: list[str], rows: list[list[str]], alignment: str) -> str:
    """Lines of cells that are safe already; `alignment` has an l or an r for each column."""
    sides = ["right" if letter == "r" else "left" for letter in alignment]
    return tabulate(rows, headers, tablefmt="pipe", colalign=sides, disable_numparse=True)


def markdown_list(items: list[str]) -> str:
    """One line each."""
    return "\n".join(f"- {_markdown(item)}" for item in items)


def markdown_text(text: Text) -> str:
    """With links as seen from paper_tables/."""
    parts = []
    for span in text:
        part = f"**{_markdown(span.text)}**" if span.bold else _markdown(span.text)
        target = span.link if span.link.startswith("#") else f"../{span.link}"
        parts.append(f"[{part}]({target})" if span.link else part)
    return "".join(parts)


def to_latex(table: Table) -> str:
    """The table as LaTeX floats that need booktabs alone: one, or more where it is longer than a page."""
    spans = _spans(table)
    return render(
        "table.tex.j2",
        table=table,
        pages=pages(table.groups, table.notes),
        spans=spans,
        pairs=[span for span in spans if span[3] > span[2]],
    )


def pages(groups: list[Group], notes: list[str]) -> list[list[Group]]:
    """The groups in their order, no more lines on a page than fit; a group of more lines has a page of its own.

    The notes come after the last group, which begins a page where they would not fit.
    """
    found: list[list[Group]] = [[]]
    lines = 0
    for group in groups:
        height = 1 + len(group.rows)
        if found[-1] and lines + height > LINES:
            found.append([])
            lines = 0
        found[-1].append(group)
        lines += height
    below = sum(ceil(len(note) / NOTE_WIDTH) + NOTE_GAP for note in notes)
    if lines + below > LINES_WITH_NOTES and len(found[-1]) > 1:
        found.append([found[-1].pop()])
    return found


def latex_text(text: Text) -> str:
    """Without links, which would need a package."""
    return "".join(rf"\textbf{{{_latex(span.text)}}}" if span.bold else _latex(span.text) for span in text)


def _spans(table: Table) -> list[tuple[str, str, int, int]]:
    """Label, unit, first and last column of each quantity; the row labels are column 1."""
    spans: list[tuple[str, str, int, int]] = []
    for at, column in enumerate(table.columns, start=2):
        label, unit = column.quantity.label, column.quantity.unit
        if spans and spans[-1][:2] == (label, unit):
            spans[-1] = (label, unit, spans[-1][2], at)
        else:
            spans.append((label, unit, at, at))
    return spans


def _markdown(text: str) -> str:
    escaped = _escape(text, MARKDOWN)
    return f"**{escaped}**" if isinstance(text, Bold) else escaped


def _latex(text: str) -> str:
    escaped = _escape(text, LATEX)
    return rf"\textbf{{{escaped}}}" if isinstance(text, Bold) else escaped


def _escape(text: str, replacements: dict[str, str]) -> str:
    return "".join(replacements.get(character, character) for character in text)


def render(template: str, **values: object) -> str:
    """A template of templates/, filled; its filters make texts safe."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["latex"] = _latex
    environment.filters["latex_text"] = latex_text
    return environment.get_template(template).render(**values).rstrip() + "\n"
