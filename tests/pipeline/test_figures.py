"""The stage figures: always all of them, the same bytes everywhere, nothing written where a result is wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.figures import main as figures
from pipeline.params.schema import load_params
from pipeline.report.figures.growth import growth_figures
from pipeline.report.figures.learning import learning_figures
from pipeline.report.figures.scaling import scaling_figures
from pipeline.report.published import load_published
from tests.conftest import Workspace
from tests.made_up import only_file, write_run
from tests.pipeline.conftest import ELSEWHERE, written
from tests.pipeline.report.figures.drawn import FILES, texts, write_all


def test_without_any_result(workspace: Workspace) -> None:
    workspace.call(figures)
    files = written(paths.FIGURES)
    assert list(files) == FILES
    assert all(content.startswith(b"%PDF" if name.endswith("pdf") else b"<?xml") for name, content in files.items())
    params, published = load_params(), load_published()
    several = scaling_figures(params, published) | learning_figures(params, published)
    for figure in (*several.values(), growth_figures(params, published)["growth"]):
        assert "not run" in texts(figure)


@pytest.mark.parametrize("settings", ELSEWHERE)
def test_same_bytes_everywhere(workspace: Workspace, settings: dict[str, str]) -> None:
    """Without torch, and whatever the user's own settings of matplotlib are."""
    write_all(workspace)
    workspace.call(figures)
    before = written(paths.FIGURES)
    shutil.rmtree(paths.PAPER_TABLES)
    Path("matplotlibrc").write_text("font.size: 20\nsvg.fonttype: none\n")
    without_torch = "import sys; sys.modules['torch'] = None; from pipeline.figures import main; main()"
    environment = os.environ | settings | {"PYTHONPATH": str(HOUSE)}
    subprocess.run([sys.executable, "-c", without_torch], env=environment, check=True)
    assert written(paths.FIGURES) == before


def test_damaged_results(workspace: Workspace, refusal: Callable[..., str]) -> None:
    write_all(workspace)
    workspace.call(figures)
    before = written(paths.FIGURES)
    for file, message in (
        (paths.clock("stories", "gam", 2), "clocks/stories/gam/seed-2.json is not valid JSON"),
        (paths.curve("stories", "gam", 1), "curves/stories/gam/seed-1.json is not valid JSON"),
        (only_file(paths.SCALINGS / "gam"), "test-device-1.json is not valid JSON"),
    ):
        text = file.read_text()
        file.write_text(text[:-3])
        assert message in refusal(figures)
        file.write_text(text)
    assert written(paths.FIGURES) == before


def test_a_loss_without_a_perplexity(workspace: Workspace) -> None:
    for model, loss in (("gam", 800.0), ("transformer", 707.0)):
        write_run(model, 0, [loss])
    workspace.call(figures)
    assert list(written(paths.FIGURES)) == FILES
