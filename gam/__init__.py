"""Gated Associative Memory (arXiv:2509.00605) and the models it is compared with.

The names below are loaded when first used (PEP 562), so that `gam.config` can be read without importing torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gam.config import GAMConfig, GatedSlotsConfig, MambaConfig, ModelConfig, TransformerConfig
    from gam.model import LanguageModel

_HOMES = {
    "GAMConfig": "gam.config",
    "TransformerConfig": "gam.config",
    "MambaConfig": "gam.config",
    "GatedSlotsConfig": "gam.config",
    "ModelConfig": "gam.config",
    "LanguageModel": "gam.model",
}

__all__ = ["GAMConfig", "GatedSlotsConfig", "LanguageModel", "MambaConfig", "ModelConfig", "TransformerConfig"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
