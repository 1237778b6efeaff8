"""gam by itself: an importable library that needs torch and nothing else, tried in processes of their own."""

from pathlib import Path

from tests.conftest import run_without

EXAMPLE = """
from gam import GAMConfig, LanguageModel
import torch
model = LanguageModel(GAMConfig(vocab_size=9, block_size=8, d_model=4, n_layer=1, dropout=0.0, n_slot=3, kernel_size=3))
idx = torch.zeros(1, 8, dtype=torch.long)
model(idx, idx)[1].backward()
"""


def test_gam_needs_torch_alone(tmp_path: Path) -> None:
    others = ["pydantic", "dvc", "datasets", "tokenizers", "pipeline", "numpy", "safetensors", "ruamel", "jinja2"]
    run_without(others, EXAMPLE, tmp_path)


def test_configurations_do_without_torch(tmp_path: Path) -> None:
    run_without(["torch"], "from gam import GAMConfig; import gam.config", tmp_path)
