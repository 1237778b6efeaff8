"""Models in folders that can be taken away, and shared on the Hugging Face Hub.

    model = PretrainedModel.from_pretrained("folder or name on the Hub")

Needs `pip install 'gam[hub]'`; the rest of gam needs torch alone.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError

from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, TransformerConfig
from gam.model import LanguageModel

CONFIGS = {
    "gam": GAMConfig,
    "transformer": TransformerConfig,
    "mamba": MambaConfig,
    "gated_slots": GatedSlotsConfig,
}
"""By the word for a block in config.json."""


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
        try:
            config = CONFIGS[block](**fields)
        except TypeError as error:
            raise ValueError(f"the configuration is not one of this version of gam: {error}") from None
        super().__init__(config)

    @classmethod
    def of(cls, model: LanguageModel) -> Self:
        """The same weights."""
        (block,) = (word for word, kind in CONFIGS.items() if type(model.config) is kind)
        copy = cls(block, **asdict(model.config))
        copy.load_published(dict(model.named_parameters()))
        return copy


def open_folder(folder: Path) -> PretrainedModel:
    """What `save_pretrained` wrote. Raises ValueError, which says what is wrong, for a folder that is not that."""
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} holds no model: {name} is missing")
    try:
        fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = PretrainedModel(**fields)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{folder / 'config.json'}: {error}") from None
    try:
        return PretrainedModel._load_as_safetensor(model, str(folder / "model.safetensors"), "cpu", strict=True)
    except (SafetensorError, RuntimeError) as error:
        told = " ".join(str(error).split())
        raise ValueError(f"{folder / 'model.safetensors'} is damaged, or of another model: {told}") from None
