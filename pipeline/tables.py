"""Stage `tables`: result files and published.yaml -> the tables of the paper, and a summary for `dvc metrics`.

The families of params.yaml say which runs belong into a table; what lies in results/ besides is left alone. All files
are made before the first is written, so that a damaged result leaves the old tables as they were.
"""

from typing import Any

from pipeline.artifacts.current import check_same_data
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.base.files import write_json, write_text
from pipeline.claims.answers import answers
from pipeline.params.command_line import read_names
from pipeline.report.findings import findings, findings_markdown
from pipeline.report.notes import terms
from pipeline.report.opening import opening
from pipeline.report.published import load_published
from pipeline.report.tables.builders import BUILDERS
from pipeline.report.tables.claims import claims_latex, claims_markdown
from pipeline.report.tables.claims_summary import claims_summary
from pipeline.report.tables.rendering import to_latex, to_markdown


def main() -> None:
    _, params = read_names(__doc__)
    published = load_published()
    check_same_data(params)
    summary: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for build in BUILDERS:
        table, summary[table.name] = build(params, published)
        texts |= {f"{table.name}.md": to_markdown(table), f"{table.name}.tex": to_latex(table)}
    found = answers(params)
    summary["claims"] = claims_summary(params, published, found)
    texts["claims.md"] = claims_markdown(params, published, found)
    texts["claims.tex"] = claims_latex(params, published, found)
    texts["answers.md"] = opening(params, published, found)
    findings_page = findings_markdown(findings(params, published, found), terms(params))
    for name, text in texts.items():
        write_text(paths.PAPER_TABLES / name, text)
    write_text(paths.FINDINGS, findings_page)
    write_json(paths.PAPER_TABLES / "summary.json", summary)


if __name__ == "__main__":
    exit_cleanly(main)
