"""The configuration of an exported model, as Hugging Face transformers wants it.

Needs `pip install 'gam[transformers]'`. This file and modeling_gam.py are named as transformers names such files.
gam.remote_code copies both into the folder of a model, with all that they import.
"""

from transformers import PreTrainedConfig


class GAMHubConfig(PreTrainedConfig):
    """What config.json holds: the word for a block, and the fields of its configuration in gam.config."""

    model_type = "gam"
    attribute_map = {  # noqa: RUF012  # transformers reads it from the class
        "hidden_size": "d_model",
        "num_hidden_layers": "n_layer",
        "max_position_embeddings": "block_size",
    }
