"""The opening of README.md, which `python -m pipeline readme` copies: the answers, and the terms that they need."""

from pipeline.artifacts.current import left_out_notes
from pipeline.base import paths
from pipeline.claims.answers import Answer
from pipeline.params.schema import Params
from pipeline.report.notes import in_short, terms
from pipeline.report.published import Published
from pipeline.report.tables.claims import answers_markdown
from pipeline.report.tables.rendering import markdown_list


def opening(params: Params, published: Published, found: list[Answer]) -> str:
    """Markdown, with links as seen from paper_tables/."""
    sections = (paths.PAPER_TABLES / "claims.md").as_posix()
    table, below = answers_markdown(params, found, published, sections), markdown_list(terms(params))
    return "\n\n".join([in_short(found), table, below, *left_out_notes(params)]) + "\n"
