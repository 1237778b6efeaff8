"""The one trunk that all models share: embed -> blocks -> norm -> tied head.

Shapes: B batch, T tokens (at most block_size), D d_model, V vocabulary.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gam.blocks import build_block
from gam.config import ModelConfig
from gam.initialisation import draw_matrices, upcoming_seed
from gam.ops.cross_entropy import linear_cross_entropy
from gam.ops.dropout import Dropout

TIED = ("token_embedding.weight", "head.weight")
"""The two published names of the one (V, D) matrix that embeds tokens and scores them."""


class LanguageModel(nn.Module):
    """A causal language model with learned positions; the block type follows from the type of `config`.

    The weights follow from the state of torch's CPU generator, which torch.manual_seed sets.

    `init: published`: every layer has PyTorch's default initialisation, the memory bank Xavier's, the tied matrix that
    of a Linear layer, Mamba's step sizes and decays those of mamba-ssm, as the published models do. The layers draw in
    the order in which they are built.

    `init: normal`: the same, and then gam.initialisation draws all matrices anew. The generator ends where it does for
    `published`, so that the same dropout follows.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        seed = upcoming_seed()
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.pos_embedding = nn.Embedding(config.block_size, config.d_model)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(build_block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.d_model)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.token_embedding.weight = self.head.weight
        if config.init_std is not None:
            draw_matrices(self, config.init_std, seed)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Score every next token.

        `idx` and `targets` are (B, T) int64. Returns the logits (B, T, V) and, with targets, the mean cross
        entropy in nats per token. Raises ValueError where T exceeds block_size.
        """
        logits: Tensor = self.head(self.hidden(idx))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def loss(self, idx: Tensor, targets: Tensor) -> Tensor:
        """The loss of `forward` alone, for training: the logits are never held all at once."""
        return linear_cross_entropy(self.hidden(idx).flatten(0, 1), self.head.weight, targets.flatten())

    def hidden(self, idx: Tensor) -> Tensor:
        """What the head scores: (B, T, D). Raises ValueError where T exceeds block_size."""
        length = idx.shape[1]
        if length > self.config.block_size:
            raise ValueError(f"idx must have at most block_size = {self.config.block_size} tokens, got {length}")
        x: Tensor = self.dropout(self.token_embedding(idx) + self.pos_embedding.weight[:length])
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)

    def n_parameters(self) -> int:
        """Number of learned values, the tied matrix counted once, as the paper counts."""
        return sum(parameter.numel() for parameter in self.parameters())

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a published checkpoint, or of `dict(self.named_parameters())`.

        The tied matrix may come under either of its names or both, and the published Transformer's mask buffers
        (`.attn.bias`) are passed over, since they hold no weights. Raises ValueError naming the first tensor that
        is missing, unknown or of another shape; the model is then unchanged.
        """
        given = {name: tensor for name, tensor in state.items() if not name.endswith(".attn.bias")}
        tied = [given.pop(name) for name in TIED if name in given]
        if len(tied) == 2 and not torch.equal(tied[0], tied[1]):
            raise ValueError(f"{TIED[0]} and {TIED[1]} must be the same matrix")
        if tied:
            given[TIED[0]] = tied[0]
        own = dict(self.named_parameters())
        for name in sorted(own.keys() - given.keys()):
            raise ValueError(f"{name} is missing from the weights")
        for name in sorted(given.keys() - own.keys()):
            raise ValueError(f"{name} is in the weights but not in a model of this configuration")
        for name, parameter in own.items():
            if given[name].shape != parameter.shape:
                shapes = f"{tuple(parameter.shape)} in this configuration, {tuple(given[name].shape)} in the weights"
                raise ValueError(f"{name} has shape {shapes}")
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(given[name])
