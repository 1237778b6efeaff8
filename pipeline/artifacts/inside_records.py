"""What stands in a file of results/inside."""

from pydantic import Field, NonNegativeFloat, PositiveInt

from pipeline.artifacts.records import RunResult
from pipeline.params.fields import NonNegativeInt, Section


class ContextLoss(Section):
    """What the weights are worth where they get no more than some tokens."""

    tokens: PositiveInt
    """The last tokens before a target, which are all that the model gets."""
    loss: NonNegativeFloat
    """Nats per token, mean over the targets."""


class PathUse(Section):
    """One path of a layer at words of one kind; means over their tokens."""

    gate: float = Field(ge=0, le=1)
    """Mean over the width."""
    ungated_norm: NonNegativeFloat
    """Euclidean norm of what the path gives."""
    gated_norm: NonNegativeFloat
    """The same of what its gate leaves of it."""


class AtWords(Section):
    """One path of a layer at the two kinds of words."""

    function_words: PathUse
    content_words: PathUse


class LayerPaths(Section):
    """The two paths of a layer."""

    local: AtWords
    """The convolution."""
    memory: AtWords
    """The look-up in the memory bank."""


class LayerSlots(Section):
    """How the look-up of one layer spreads over its slots."""

    slots: PositiveInt
    entropy: NonNegativeFloat
    """Nats, of the weights of a token; mean over tokens. ln(slots) where each takes all alike, 0 where it takes one."""
    entropy_of_mean: NonNegativeFloat
    """Nats, of the mean weights over tokens: low where few slots serve all tokens."""
    dead: NonNegativeInt
    """Slots whose mean weight is below a tenth of 1 / slots."""


class Inside(RunResult):
    """What the weights do on validation (pipeline.evaluation.context and pipeline.evaluation.gam_parts)."""

    blocks: PositiveInt
    """Blocks of the text that the losses are means over: all there are."""
    position_losses: list[NonNegativeFloat]
    """Nats per token at each position in a block."""
    context_losses: list[ContextLoss]
    """At the last token of each block; the last of them has the whole block before it."""
    path_blocks: PositiveInt
    """The first blocks of the text, which paths are means over: those in which the gates of Metrics were looked at."""
    slot_blocks: PositiveInt
    """The same for slots."""
    paths: list[LayerPaths]
    """By layer; empty for a model without gates, and for text without words of both kinds."""
    slots: list[LayerSlots]
    """By layer; empty for a model without a memory bank."""
