"""An exported model as Hugging Face transformers loads it:

    model = AutoModelForCausalLM.from_pretrained("folder", trust_remote_code=True)

Needs `pip install 'gam[transformers]'`; for a folder, transformers alone.
"""

from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.utils import can_return_tuple

from gam.config import CONFIGS, ModelConfig
from gam.configuration_gam import GAMHubConfig
from gam.generation import Decoder
from gam.model import LanguageModel


class GAMForCausalLM(PreTrainedModel, GenerationMixin):
    """A LanguageModel of any block."""

    config_class = GAMHubConfig
    base_model_prefix = "model"  # the names in model.safetensors are those of LanguageModel
    _tied_weights_keys = {"model.token_embedding.weight": "model.head.weight"}  # noqa: RUF012  # as transformers has it
    _is_stateful = True  # what a Decoder has read cannot be taken back
    accepts_loss_kwargs = False

    def __init__(self, config: GAMHubConfig) -> None:
        super().__init__(config)
        self.model = LanguageModel(own_config(config))
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        past_key_values: Decoder | None = None,
        use_cache: bool = False,
    ) -> CausalLMOutputWithPast:
        """Logits (B, T, V) for `input_ids` (B, T). With a cache, those that a Decoder has not seen, one after another.

        `labels` are `input_ids` again, or -100 where nothing is to be predicted; the loss is the mean cross entropy of
        each token after the first, in nats. Raises ValueError for more than block_size tokens, and for padding before
        a text: positions count from its beginning.
        """
        if attention_mask is not None and (attention_mask.diff(dim=1) > 0).any():
            raise ValueError("padding must stand after a text: the positions of these models count from its beginning")
        if use_cache:
            past_key_values = past_key_values or Decoder(self.model)
            logits = torch.stack([past_key_values.next_logits(idx) for idx in input_ids.unbind(dim=1)], dim=1)
        else:
            logits, _ = self.model(input_ids)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: Decoder | None = None,
        use_cache: bool = False,
        **_: object,
    ) -> dict[str, object]:
        """What `generate` gives to `forward`: with a cache the tokens that it has not seen."""
        if attention_mask is not None and not attention_mask.all():
            raise ValueError("texts must be of the same length to be continued side by side, without padding")
        seen = past_key_values.position if past_key_values is not None else 0
        return {"input_ids": input_ids[:, seen:], "past_key_values": past_key_values, "use_cache": use_cache}

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        """No: each block keeps what it needs, in a Decoder."""
        return False

    def _reorder_cache(self, decoder: Decoder, beams: Tensor) -> Decoder:
        decoder.past = tree_map_only(Tensor, lambda part: part.index_select(0, beams), decoder.past)
        return decoder

    def init_weights(self) -> None:
        """Nothing but tying: LanguageModel has drawn them."""
        self.tie_weights(recompute_mapping=False)

    def _init_weights(self, module: nn.Module) -> None:
        """Raises ValueError: transformers calls it for what model.safetensors lacks."""
        raise ValueError(f"model.safetensors lacks the weights of a {type(module).__name__}")

    def tie_weights(self, missing_keys: set[str] | None = None, recompute_mapping: bool = True) -> None:
        """Raises ValueError where the tied matrix itself is lacking, for which transformers calls nothing."""
        super().tie_weights(missing_keys, recompute_mapping)
        if missing_keys is not None and self.model.head.weight.is_meta:
            raise ValueError("model.safetensors lacks the weights of the head")

    def get_input_embeddings(self) -> nn.Module:
        return self.model.token_embedding

    def get_output_embeddings(self) -> nn.Module:
        return self.model.head


def own_config(config: GAMHubConfig) -> ModelConfig:
    """As LanguageModel takes it. It is made here: transformers loads this file and the other with a gam.config each."""
    kind = CONFIGS[config.block]
    return kind(**{field.name: getattr(config, field.name) for field in fields(kind) if hasattr(config, field.name)})
