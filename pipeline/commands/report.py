"""`python -m pipeline report`: report/index.html, one page with all answers, tables and figures, that needs no network.

Each reproduced number tells, on hover, focus or tap, which result file it is from and what made it. The page is made
from results/ and paper_tables/figures/ alone; call `make tables` first where results are new.
"""

from pipeline.artifacts.current import check_same_data
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import write_text
from pipeline.params.command_line import read_names
from pipeline.report.page.page import page
from pipeline.report.published import load_published
from pipeline.report.tables.builders import BUILDERS


def main() -> None:
    _, params = read_names(__doc__)
    if not any(paths.FIGURES.glob("*.svg")):
        raise UserError(f"{paths.FIGURES} has no figures: `make tables` makes them")
    published = load_published()
    check_same_data(params)
    text = page(params, published, [build(params, published)[0] for build in BUILDERS])
    write_text(paths.REPORT, text)
    print(f"{paths.REPORT}: {len(text.encode()) / 1e6:.2f} MB; open it in a browser")
