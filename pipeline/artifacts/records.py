"""What stands in a result file."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pipeline.params.datasets import Split
from pipeline.params.fields import NonNegativeInt, Section, Sha256
from pipeline.params.models import Precision


class Code(Section):
    """Which code it was."""

    commit: str | None
    """The commit, `-dirty` where the code differs from it; null outside git."""
    sha256: Sha256
    """Hash of all Python files of gam and pipeline."""


class Provenance(Section):
    """What a result was made with. No times and no paths: the same run gives the same bytes."""

    code: Code
    data: dict[Split, Sha256]
    """Hash of the token ids of each split."""
    packages: dict[str, str | None]
    """Versions of the packages that can change a number; null where one is not installed."""
    mamba_kernels: bool
    """Whether Mamba's scan would run on mamba-ssm's kernels; else in plain torch."""
    device: str
    """The device as its maker names it."""
    instructions: str | None = None
    """A CPU's vector instructions; null on CUDA, or absent as in older files: not told."""
    device_type: Literal["cpu", "cuda"]
    stack: dict[str, str] = Field(default={})
    """Versions of a GPU's driver, CUDA and cuDNN, and its compute capability; empty on a CPU, or as in older files."""
    threads: PositiveInt
    deterministic: bool
    allocator: str
    waiting: str | None = None
    """How OpenMP's waiting threads were told to wait; null, or absent as in older files: not told, so they spin."""
    world_size: PositiveInt = Field(default=1, exclude_if=lambda count: count == 1)
    """Processes that computed it together, each with `threads`; absent: one."""
    precision: Precision | Literal["float16", "float64"] | None
    """Null where a file holds results in several."""

    @property
    def mamba_scan(self) -> str:
        """How Mamba's scan was computed, in words."""
        return f"Mamba's scan by {'mamba-ssm' if self.mamba_kernels else 'plain torch'}"


class Stamped(Section):
    """A result that says what it was made with."""

    provenance: Provenance


class RunResult(Stamped):
    """What every file of a run begins and ends with."""

    dataset: str
    model: str
    seed: NonNegativeInt
    weights: Sha256
    """Hash of the weights that the run ended with."""


class EpochLosses(Section):
    """Nats per token after an epoch."""

    epoch: PositiveInt
    steps: PositiveInt
    """Steps made so far, all epochs together."""
    train_loss: NonNegativeFloat
    """Mean of the steps' losses, dropout included."""
    validation_loss: NonNegativeFloat
    """Published definition: mean over batches of the batch mean."""


class Curve(RunResult):
    """What a run computed, and the parameters that it was made with."""

    data: dict[str, Any]
    """What params.yaml says of the data set, but for the hashes of its rows."""
    entry: dict[str, Any]
    """The model's entry in params.yaml."""
    train: dict[str, Any]
    """The section `train` of params.yaml; or the entry of `protocols` that its family names, and its learning rate."""
    fingerprint: Sha256 | None
    """Hash of what the model and its training computed on a tiny case; null where that was not found out."""
    parameters: PositiveInt
    epochs: Annotated[list[EpochLosses], Field(min_length=1)]
    earlier: list[Provenance]
    """What earlier parts of the run were made with, where it was interrupted and went on with something else."""

    @property
    def made_by(self) -> list[Provenance]:
        """Everything that had a part in the run."""
        return [*self.earlier, self.provenance]


class Diverged(Stamped):
    """A training that ended in a loss that is not finite, and the parameters that it was made with, as a curve's."""

    dataset: str
    model: str
    seed: NonNegativeInt
    data: dict[str, Any]
    entry: dict[str, Any]
    train: dict[str, Any]
    fingerprint: Sha256 | None
    step: PositiveInt
    """The first with such a loss; where it was the validation loss, the one before it."""
    epoch: PositiveInt
    """In which that was."""


class Trial(Section):
    """A short training with one learning rate."""

    learning_rate: PositiveFloat
    steps: PositiveInt
    validation_loss: NonNegativeFloat | None
    """After it, in nats per token; null where a loss was not finite."""


def best_of(trials: list[Trial]) -> Trial:
    """The one with the lowest loss."""
    return min(trials, key=lambda trial: math.inf if trial.validation_loss is None else trial.validation_loss)


class TuningResult(Stamped):
    """What learning rates are worth for one model, on a seed that no run has."""

    dataset: str
    model: str
    data: dict[str, Any]
    """What params.yaml says of the data set, but for the hashes of its rows."""
    entry: dict[str, Any]
    """The model's entry in params.yaml."""
    protocol: dict[str, Any]
    """The entry of `protocols` that its family names."""
    tuning: dict[str, Any]
    """The section `tuning` of params.yaml."""
    fingerprint: Sha256 | None
    """As a run's."""
    trials: Annotated[list[Trial], Field(min_length=2)]
    """By learning rate."""

    @property
    def best(self) -> Trial:
        """The one with the lowest loss."""
        return best_of(self.trials)


class EpochSeconds(Section):
    """Wall clock of an epoch."""

    epoch: PositiveInt
    train_seconds: PositiveFloat
    validation_seconds: PositiveFloat
    tokens_per_second: PositiveFloat
    """Of the training part."""


class Clock(RunResult):
    """What the clock said: never judged, since other processes may have been running."""

    epochs: Annotated[list[EpochSeconds], Field(min_length=1)]


def perplexity(loss: float) -> float | None:
    """exp(loss); None where that is larger than a float holds."""
    try:
        return math.exp(loss)
    except OverflowError:
        return None


class SplitMetrics(Section):
    """What the weights are worth on one split; pipeline.evaluation.metrics says how each is defined."""

    loss: NonNegativeFloat
    perplexity: PositiveFloat | None
    """Null where a perplexity is larger than a float holds."""
    token_loss: NonNegativeFloat
    token_perplexity: PositiveFloat | None
    bits_per_byte: NonNegativeFloat
    word_perplexity: PositiveFloat | None
    targets: PositiveInt


class LayerGates(Section):
    """How far one layer's gates prefer the local path: mean local minus mean global gate, both in 0 to 1."""

    function_words: float
    """Over the tokens of English function words in the validation text."""
    content_words: float
    """Over the tokens of all other words."""


class Metrics(RunResult):
    """What the weights of a run are worth, and what they do (pipeline.evaluation.probes)."""

    splits: dict[Literal["validation", "test"], SplitMetrics]
    reach_by_gradient: PositiveInt
    """How many of the last tokens, the current one included, the logits depend on: by gradients."""
    reach_by_change: PositiveInt
    """The same by changing inputs."""
    gates: list[LayerGates]
    """By layer; empty for a model without gates, and for text without words of both kinds."""


Ngram = Literal["unigram", "bigram", "trigram"]
NGRAMS: tuple[Ngram, ...] = ("unigram", "bigram", "trigram")


class Ngrams(Stamped):
    """What counts of the train tokens are worth, scored as the models are."""

    dataset: str
    data: dict[str, Any]
    """What params.yaml says of the data set, but for the hashes of its rows."""
    block_size: PositiveInt
    batch_size: PositiveInt
    models: dict[Ngram, dict[Literal["validation", "test"], SplitMetrics]]
    """By split; pipeline.ngrams says how each is defined. Older files have no trigram."""

    @model_validator(mode="after")
    def _all(self) -> Self:
        is_whole = {"unigram", "bigram"} <= set(self.models)
        if not is_whole or not all("validation" in splits for splits in self.models.values()):
            raise ValueError("unigram and bigram are there, and each count has a result on validation")
        return self
