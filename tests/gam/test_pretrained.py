"""A folder that lacks weights is refused by both ways to open it. How folders are made and used: test_export.py."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gam import GAMConfig, LanguageModel
from gam.pretrained import PretrainedModel, open_folder

CONFIG = GAMConfig(vocab_size=9, block_size=8, d_model=4, n_layer=1, dropout=0.0, n_slot=3, kernel_size=3)


@pytest.mark.parametrize("name", ["head.weight", "ln_f.bias"])
def test_missing_weights_are_never_drawn(name: str, tmp_path: Path) -> None:
    model = PretrainedModel.of(LanguageModel(CONFIG))
    model.save_pretrained(tmp_path)
    idx = torch.arange(8)[None]
    assert torch.equal(PretrainedModel.from_pretrained(tmp_path)(idx)[0], model(idx)[0])
    weights = load_file(tmp_path / "model.safetensors")
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(RuntimeError, match=name):
        PretrainedModel.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match=rf"is damaged, or of another model: .*{name}"):
        open_folder(tmp_path)
