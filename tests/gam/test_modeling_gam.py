"""Folders opened by transformers alone, in a process without gam: the same logits, loss and text as gam's own."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from gam import GAMConfig, GatedSlotsConfig, LanguageModel, MambaConfig, ModelConfig, TransformerConfig
from gam.generation import generate
from gam.pretrained import PretrainedModel, save_tokenizer
from pipeline.tokenise import train_tokenizer
from tests.conftest import run_without

pytest.importorskip("transformers", reason="CI installs it by the extra transformers")

TEXT = "once upon a time there was a river , and the river was wide"
TRUNK = {"vocab_size": 60, "block_size": 24, "d_model": 16, "n_layer": 2, "dropout": 0.5}
CONFIGS: dict[str, ModelConfig] = {
    "gam": GAMConfig(**TRUNK, n_slot=8, kernel_size=3, init="normal", init_std=0.2),
    "transformer": TransformerConfig(**TRUNK, n_head=2, fused=True),
    "mamba": MambaConfig(**TRUNK, d_state=4, d_conv=4, expand=2, residual=True),
    "gated-slots": GatedSlotsConfig(**TRUNK, n_head=2, n_slot=5),
}
OPENED = """
import os
os.environ |= {"HF_HOME": os.getcwd(), "HF_HUB_OFFLINE": "1"}
import torch
from pathlib import Path
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

def opened(folder):
    return AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)

def refused(call, *arguments, says, **options):
    try:
        call(*arguments, **options)
    except ValueError as error:
        assert says in str(error), error
    else:
        raise AssertionError(f"nobody said: {says}")

torch.set_num_threads(THREADS)
for folder in sorted(Path("models").iterdir()):
    expected = load_file(folder / "expected")
    idx = expected["idx"]
    model = opened(folder)
    assert torch.equal(model(idx).logits, expected["logits"]), folder
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    torch.testing.assert_close(model(idx, labels=idx).loss, expected["loss"], rtol=1e-6, atol=0)
    for use_cache in (True, False):
        texts = model.generate(idx[:, :5], max_new_tokens=9, do_sample=False, use_cache=use_cache)
        assert torch.equal(texts[:, 5:], expected["texts"]), (folder, use_cache)
    beams = {"max_new_tokens": 6, "num_beams": 3, "do_sample": False}
    cached, anew = (model.generate(idx[:, :5], use_cache=use_cache, **beams) for use_cache in (True, False))
    assert torch.equal(cached, anew), folder

model.save_pretrained("again")
assert torch.equal(opened("again")(idx).logits, expected["logits"])
left = torch.ones_like(idx).index_fill(1, torch.tensor([0]), 0)
refused(model, idx, attention_mask=left, says="padding must stand after a text")
refused(model.generate, idx, attention_mask=left.flip(1), says="of the same length", max_new_tokens=1)
refused(model.generate, idx, max_new_tokens=9, says="at most block_size = 24 tokens")
refused(opened, "lacking/head.weight", says="lacks the weights of the head")
refused(opened, "lacking/ln_f.bias", says="lacks the weights of a LayerNorm")
tokenizer = AutoTokenizer.from_pretrained("models/gam", trust_remote_code=True)
assert tokenizer(TEXT)["input_ids"] == IDS
assert tokenizer.model_max_length == 24
"""


def test_transformers_opens_what_was_saved(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(iter([TEXT] * 3), TRUNK["vocab_size"])  # type: ignore[arg-type]
    idx = torch.randint(60, (3, 20), generator=torch.Generator().manual_seed(1))
    for name, config in CONFIGS.items():
        save(config, idx, tokenizer, tmp_path / "models" / name)
    for name in ("head.weight", "ln_f.bias"):
        lacking = tmp_path / "lacking" / name
        save(CONFIGS["gam"], idx, tokenizer, lacking)
        weights = load_file(lacking / "model.safetensors")
        del weights[name]
        save_file(weights, lacking / "model.safetensors", {"format": "pt"})
    constants = f"THREADS, TEXT, IDS = {torch.get_num_threads()}, {TEXT!r}, {tokenizer.encode(TEXT).ids}\n"
    run_without(["gam", "pipeline"], constants + OPENED, tmp_path)


def save(config: ModelConfig, idx: torch.Tensor, tokenizer: Tokenizer, folder: Path) -> None:
    """A model, and what it computes."""
    torch.manual_seed(0)
    model = PretrainedModel.of(LanguageModel(config)).eval()
    model.save_pretrained(folder)
    save_tokenizer(folder, tokenizer.to_str(), config.block_size)
    assert json.loads((folder / "config.json").read_text())["tie_word_embeddings"]
    with torch.no_grad():
        logits, loss = model(idx)[0], model(idx[:, :-1], idx[:, 1:])[1]
    texts = torch.stack(list(generate(model, idx[:, :5], 9, temperature=0)), dim=1)
    assert loss is not None
    save_file({"idx": idx, "logits": logits, "loss": loss, "texts": texts}, folder / "expected")
