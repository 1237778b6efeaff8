"""Models in folders that can be taken away, and shared on the Hugging Face Hub.

    model = PretrainedModel.from_pretrained("folder or name on the Hub")

Needs `pip install 'gam[hub]'`; the rest of gam needs torch alone. The same folder holds the code of the model, from
which transformers loads it without gam.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from tokenizers import Tokenizer

from gam.config import CONFIGS, ModelConfig
from gam.model import LanguageModel
from gam.remote_code import ENTRIES, flat_files

CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
SPECIAL_TOKENS = {"unk_token": "[UNK]", "pad_token": "[PAD]", "bos_token": "[SOS]", "eos_token": "[EOS]"}
"""Those of the published tokenizer, by what transformers calls them. Of these it puts only the first into a text."""
FOR_TRANSFORMERS: dict[str, Any] = {
    "architectures": ["GAMForCausalLM"],
    "auto_map": ENTRIES,
    "model_type": "gam",
    "tie_word_embeddings": True,
}
"""What transformers reads in config.json, and gam does not."""


class PretrainedModel(
    LanguageModel,
    PyTorchModelHubMixin,
    library_name="gam",
    license="apache-2.0",
    pipeline_tag="text-generation",
    paper_url="https://arxiv.org/abs/2509.00605",
):
    """A LanguageModel with `save_pretrained`, `from_pretrained` and `push_to_hub`.

    config.json holds the word for the block, and the fields of its configuration.
    """

    def __init__(self, block: str, **fields: Any) -> None:
        """Raises ValueError for a block or a field that is not known, or a value that cannot be."""
        if block not in CONFIGS:
            raise ValueError(f"block must be one of {', '.join(CONFIGS)}, got {block!r}")
        own = {name: value for name, value in fields.items() if name not in FOR_TRANSFORMERS}
        try:
            config = CONFIGS[block](**own)
        except TypeError as error:
            raise ValueError(f"the configuration is not one of this version of gam: {error}") from None
        super().__init__(config)

    @classmethod
    def of(cls, model: LanguageModel) -> Self:
        """The same weights."""
        copy = cls(block_of(model.config), **asdict(model.config))
        copy.load_published(dict(model.named_parameters()))
        return copy

    @classmethod
    def _from_pretrained(cls, *, strict: bool = True, **options: Any) -> Self:
        """Raises RuntimeError where weights are missing, or of another model. The mixin would leave them as drawn."""
        return super()._from_pretrained(strict=strict, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        """The weights, the configuration, and the code."""
        super()._save_pretrained(save_directory)
        (save_directory / WEIGHTS).chmod(0o644)  # it is written for its owner alone
        config = {"block": block_of(self.config), **asdict(self.config), **FOR_TRANSFORMERS}
        (save_directory / CONFIG).write_text(json.dumps(config, sort_keys=True, indent=2), encoding="utf-8")
        for name, text in flat_files().items():
            (save_directory / name).write_text(text, encoding="utf-8")


def block_of(config: ModelConfig) -> str:
    """Its word in CONFIGS."""
    (block,) = (word for word, kind in CONFIGS.items() if type(config) is kind)
    return block


def open_folder(folder: Path) -> PretrainedModel:
    """What `save_pretrained` wrote. Raises ValueError, which says what is wrong, for a folder that is not that."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} holds no model: {name} is missing")
    try:
        fields = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(fields, dict) or "block" not in fields:
            raise ValueError("it names no block, so it is of no model of gam")
        model = PretrainedModel(**fields)
    except (ValueError, RuntimeError) as error:  # torch raises RuntimeError for sizes that no memory has
        raise ValueError(f"{folder / CONFIG}: {error}") from None
    try:
        return PretrainedModel._load_as_safetensor(model, str(folder / WEIGHTS), "cpu", strict=True)
    except (SafetensorError, RuntimeError) as error:
        told = " ".join(str(error).split())
        raise ValueError(f"{folder / WEIGHTS} is damaged, or of another model: {told}") from None


def save_tokenizer(folder: Path, tokenizer: str, block_size: int) -> None:
    """The tokenizer, given as JSON, and what transformers is to know of it."""
    (folder / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": block_size, **SPECIAL_TOKENS}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def open_tokenizer(folder: Path, model: LanguageModel) -> Tokenizer:
    """The tokenizer beside a model. Raises ValueError where it is missing, damaged, or of another model."""
    file = folder / TOKENIZER
    if not file.is_file():
        raise ValueError(f"{folder} has no tokenizer: {TOKENIZER} is missing")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises no class of its own
        raise ValueError(f"{file} is damaged: {error}") from None
    if tokenizer.get_vocab_size() != model.config.vocab_size:
        sizes = f"{tokenizer.get_vocab_size()} tokens, the model {model.config.vocab_size}"
        raise ValueError(f"{file} is of another model: it has {sizes}")
    return tokenizer
