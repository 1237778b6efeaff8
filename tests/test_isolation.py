"""Who may import what, tried in processes of their own."""

import subprocess
import sys
from pathlib import Path

from pipeline.base.paths import HOUSE
from tests.conftest import Workspace
from tests.made_up import write_run

EXAMPLE = """
from gam import GAMConfig, LanguageModel
import torch
model = LanguageModel(GAMConfig(vocab_size=9, block_size=8, d_model=4, n_layer=1, dropout=0.0, n_slot=3, kernel_size=3))
idx = torch.zeros(1, 8, dtype=torch.long)
model(idx, idx)[1].backward()
"""


def run_without(blocked: list[str], code: str, folder: Path) -> None:
    """Run code in a new process where importing any of `blocked` fails."""
    block = f"import sys; sys.path.insert(0, {str(HOUSE)!r}); sys.modules.update(dict.fromkeys({blocked}))\n"
    done = subprocess.run([sys.executable, "-c", block + code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_gam_needs_torch_alone(tmp_path: Path) -> None:
    others = ["pydantic", "dvc", "datasets", "tokenizers", "pipeline", "numpy", "safetensors", "ruamel", "jinja2"]
    run_without(others, EXAMPLE, tmp_path)


def test_configurations_do_without_torch(tmp_path: Path) -> None:
    run_without(["torch"], "from gam import GAMConfig; import gam.config", tmp_path)


def test_tables_do_without_torch(workspace: Workspace) -> None:
    workspace.edit({"grid": {"seeds": [0, 1, 2]}})
    for model in ("gam", "transformer"):
        for seed in range(3):
            write_run(model, seed, [5.5, 5.0 + seed / 10])
    run_without(["torch", "datasets", "tokenizers"], "from pipeline.tables import main; main()", workspace.folder)
    assert "5.1000 ±" in (workspace.folder / "paper_tables/main.md").read_text()


def test_imports_have_no_effect(tmp_path: Path) -> None:
    modules = ["pipeline." + file.stem for file in (HOUSE / "pipeline").glob("*.py")]
    run_without([], f"import {', '.join(modules)}", tmp_path)
    assert list(tmp_path.iterdir()) == []
