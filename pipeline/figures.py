"""Stage `figures`: result files and published.yaml -> the figures of the paper, as SVG for the web and PDF for LaTeX.

The families of params.yaml say which runs belong into a figure. All files are made before the first is written, so that
a damaged result leaves the old figures as they were.
"""

from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.base.files import replacing
from pipeline.params.command_line import read_names
from pipeline.report.figures.block import block_figure
from pipeline.report.figures.context import context_figures
from pipeline.report.figures.drawing import rendered, same_everywhere
from pipeline.report.figures.gam_parts import part_figures
from pipeline.report.figures.growth import growth_figures
from pipeline.report.figures.learning import learning_figures
from pipeline.report.figures.recall import recall_figure
from pipeline.report.figures.scaling import scaling_figures
from pipeline.report.figures.tuning import tuning_figures
from pipeline.report.published import load_published


def main() -> None:
    _, params = read_names(__doc__)
    published = load_published()
    with same_everywhere():
        figures = scaling_figures(params, published) | learning_figures(params, published)
        figures |= tuning_figures(params, published)
        figures |= context_figures(params, published) | part_figures(params, published)
        figures |= {"gam_block": block_figure(), **growth_figures(params, published)}
        figures["recall"] = recall_figure(params, published)
        files = {
            f"{name}.{kind}": rendered(figure, kind, name.replace("_", " "))
            for name, figure in figures.items()
            for kind in ("svg", "pdf")
        }
    for name, content in files.items():
        with replacing(paths.FIGURES / name) as temporary:
            temporary.write_bytes(content)


if __name__ == "__main__":
    exit_cleanly(main)
