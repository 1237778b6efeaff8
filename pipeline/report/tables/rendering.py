"""Tables as Markdown and LaTeX. The layout is in templates/; here text becomes safe for its format."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.report.tables.layout import Bold, Table

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


def to_markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown, its columns padded so that the source reads as a table too."""
    headers = [table.group_label, table.row_label]
    for column in table.columns:
        unit = f" ({column.quantity.unit})" if column.quantity.unit else ""
        headers.append(" ".join(filter(None, (column.quantity.label, column.source))) + unit)
    rows = [[group.label, *row] for group in table.groups for row in group.rows]
    cells = [[_markdown(cell) for cell in row] for row in [headers, *rows]]
    numbers = [False, False, *(column.width_cm is None for column in table.columns)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    padded = [
        [c.rjust(w) if number else c.ljust(w) for c, w, number in zip(row, widths, numbers, strict=True)]
        for row in cells
    ]
    head, *body = padded
    rule = ["-" * (w - 1) + ":" if number else "-" * w for w, number in zip(widths, numbers, strict=True)]
    return _render("table.md.j2", table=table, head=head, rule=rule, rows=body)


def to_latex(table: Table) -> str:
    """The table as one LaTeX float, or several where it is long, that need booktabs alone."""
    columns = ["r" if column.width_cm is None else rf"p{{{column.width_cm}cm}}" for column in table.columns]
    spans, size = _spans(table), table.groups_per_float or len(table.groups)
    return _render(
        "table.tex.j2",
        table=table,
        spans=spans,
        pairs=[span for span in spans if span[3] > span[2]],
        columns=["l", *columns],
        parts=[table.groups[at : at + size] for at in range(0, len(table.groups), size)],
    )


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


def _render(template: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["latex"] = _latex
    return environment.get_template(template).render(**values).rstrip() + "\n"
