"""Tables as Markdown and LaTeX. The layout is in templates/; here text becomes safe for its format."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.published import FILE as PUBLISHED
from pipeline.table import Table

TEMPLATES = PUBLISHED.with_name("templates")
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
    "±": r"$\pm$",
    "–": "--",
}
MARKDOWN = {"|": r"\|"}


def to_markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown, its columns padded so that the source reads as a table too."""
    headers = [table.group_label, table.row_label]
    for column in table.columns:
        unit = f" ({column.quantity.unit})" if column.quantity.unit else ""
        headers.append(" ".join(filter(None, (column.quantity.label, column.source))) + unit)
    rows = [[group.label, *row] for group in table.groups for row in group.rows]
    cells = [[_escape(cell, MARKDOWN) for cell in row] for row in [headers, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    head, *body = [_pad(row, widths) for row in cells]
    rule = ["-" * width for width in widths[:2]] + ["-" * (width - 1) + ":" for width in widths[2:]]
    return _render("table.md.j2", table=table, head=head, rule=rule, rows=body)


def to_latex(table: Table) -> str:
    """The table as a LaTeX float that needs booktabs alone."""
    return _render("table.tex.j2", table=table, spans=_spans(table))


def _pad(row: list[str], widths: list[int]) -> list[str]:
    """Labels to the left, numbers to the right."""
    labels, numbers = row[:2], row[2:]
    left = [cell.ljust(width) for cell, width in zip(labels, widths[:2], strict=True)]
    return left + [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=True)]


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


def _escape(text: str, replacements: dict[str, str]) -> str:
    return "".join(replacements.get(character, character) for character in text)


def _render(template: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["latex"] = lambda text: _escape(text, LATEX)
    return environment.get_template(template).render(**values).rstrip() + "\n"
