"""Markdown that is a table, and LaTeX inside a plain article whose only package is booktabs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import write_run
from tests.made_up_costs import scaling_point, write_scaling, write_timing


def test_markdown_is_a_table(workspace: Workspace) -> None:
    """By the rule of GitHub's Markdown: a row of dashes and colons below the header, as many cells in every row."""
    workspace.call(tables)
    for file in paths.PAPER_TABLES.glob("*.md"):
        rows = [line for line in file.read_text().splitlines() if line.startswith("|")]
        assert all(re.fullmatch(r":-+|-+:", cell) for cell in rows[1].strip("|").split("|"))
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


ARTICLE = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


@needs_latex
@pytest.mark.parametrize("filled", [False, True])
def test_all_tables_compile(workspace: Workspace, filled: bool) -> None:
    if filled:
        workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}})
        for model in ("gam", "transformer", "gam-sum-fusion"):
            for seed in range(3):
                write_run(model, seed, [5.5, 5.0 + seed / 10])
        write_measurements()
    workspace.call(tables)
    compile_all(workspace.folder)


@needs_latex
def test_the_tables_in_git_compile(tmp_path: Path) -> None:
    (tmp_path / paths.PAPER_TABLES).symlink_to(HOUSE / paths.PAPER_TABLES)
    compile_all(tmp_path)


def compile_all(folder: Path) -> None:
    """Every table of a folder's paper_tables/: on the page, and no float larger than one."""
    names = sorted(file.stem for file in (folder / paths.PAPER_TABLES).glob("*.tex"))
    assert names == ["ablation", "claims", "cost", "facts", "learned", "main", "recall", "scaling", "timing"]
    inputs = "\n".join(rf"\input{{paper_tables/{name}}}" for name in names)
    (folder / "all.tex").write_text(ARTICLE % inputs)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    too_wide = [line for line in done.stdout.splitlines() if line.startswith("Overfull \\hbox")]
    assert too_wide == []
    assert "Float too large" not in done.stdout


def write_measurements() -> None:
    """Results of timing and scaling, with times as long as they get."""
    write_timing(transformer=5.0, mamba=5.1, gam=5.2)
    points = [scaling_point(length, length * 10.0, length * 3.5, noise=0.2) for length in (1024, 2048, 4096)]
    write_scaling("gam", points)
