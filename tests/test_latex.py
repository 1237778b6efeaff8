"""The LaTeX of every table, inside a plain article whose only package is booktabs."""

import shutil
import subprocess

import pytest

from pipeline import paths
from pipeline.results import ScalingPoint, ScalingResult, StepTimes, TimingResult
from pipeline.results import write_result as write
from pipeline.tables import main as tables
from tests.conftest import Workspace, tiny_params
from tests.test_tables import STAMP, write_run

ARTICLE = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("filled", [False, True])
def test_all_tables_compile(workspace: Workspace, filled: bool) -> None:
    if filled:
        workspace.edit({"grid": {"seeds": [0, 1, 2]}})
        for model in ("gam", "transformer", "gam-sum-fusion"):
            for seed in range(3):
                write_run(model, seed, 5.0 + seed / 10)
        write_measurements()
    workspace.call(tables)
    names = sorted(file.stem for file in paths.PAPER_TABLES.glob("*.tex"))
    assert names == ["ablation", "claims", "main", "scaling", "timing"]
    inputs = "\n".join(rf"\input{{paper_tables/{name}}}" for name in names)
    (workspace.folder / "all.tex").write_text(ARTICLE % inputs)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    too_wide = [line for line in done.stdout.splitlines() if line.startswith("Overfull \\hbox")]
    assert too_wide == []
    assert "Float too large" not in done.stdout


def write_measurements() -> None:
    """Results of timing and scaling, with times as long as they get."""
    entries = tiny_params()["models"]
    models = {name: StepTimes(entry=entries[name], seconds=[5.0, 5.1, 5.2]) for name in ("transformer", "mamba", "gam")}
    stamp = {"provenance": STAMP}
    timing = TimingResult(batch_size=16, block_size=32, vocab_size=50, load_before=0.5, models=models, **stamp)
    write(paths.TIMING, timing)
    points = [
        ScalingPoint(
            length=length, memory=memory, status="ok", milliseconds=[1000.0, 1100.0, 1200.0], peak_mib=length * 3.5
        )
        for memory in ("device", "t4")
        for length in (1024, 2048, 4096)
    ]
    result = ScalingResult(model="gam", entry=entries["gam"], batch_size=1, cap_gib=14.6, points=points, **stamp)
    write(paths.scaling("gam"), result)
