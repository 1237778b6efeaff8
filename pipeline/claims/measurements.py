"""What a claim is judged by: a number with its interval, or a property; plain values, which report/ puts into words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.claims.growth import Growth
from pipeline.claims.intervals import Estimate
from pipeline.claims.verdicts import Verdict
from pipeline.params.models import Role

Unit = Literal["nats", "share of time", "gate"]
Counted = Literal["seeds", "measurements"]
Yardstick = Literal["unigram", "bigram"]
"""The count that models are to beat: by knowing more than how frequent tokens are, or more than one token of context.
"""
NAMES: dict[Role, str] = {
    "transformer": "Transformer",
    "mamba": "Mamba",
    "gam": "GAM",
    "sum_fusion": "Sum Fusion",
    "global_only": "Global Only",
    "local_only": "Local Only",
    "mamba_residual": "Mamba (residual)",
    "ffn_only": "FFN alone",
    "gam_wide": "GAM, wide FFN",
    "sum_fusion_wide": "Sum Fusion, wide FFN",
    "global_only_wide": "Global Only, wide FFN",
    "local_only_wide": "Local Only, wide FFN",
    "ffn_only_wide": "FFN alone, wide",
    "gated_slots": "Gated slots",
}


@dataclass(frozen=True)
class Assay:
    """A model beside the count that it is to beat for a test to be valid: mean validation losses in nats per token."""

    role: Role
    loss: float
    yardstick: Yardstick
    count_loss: float
    is_met: bool
    """Whether the model is better by as much as is needed."""


@dataclass(frozen=True)
class Reach:
    """How many of the last tokens, the current one included, GAM's output depends on."""

    fewest: int
    """Over the runs."""
    most: int
    convolutions: int
    """What the convolutions carry by themselves."""


@dataclass(frozen=True)
class Fit:
    """What fits into a limited memory, in tokens of input."""

    transformer: int
    """The longest that fits; 0 where none does."""
    gam: int
    """The length that the paper says fits."""
    gam_fits: bool


@dataclass(frozen=True)
class Machine:
    """What a time or a memory was measured on, and on how much work."""

    device: str
    device_type: str
    precision: str | None
    batch_size: int
    block_size: int | None = None
    """Tokens of a block in a training step; None where a single block was measured."""
    d_model: int | None = None
    """Width of that single block."""
    memory_batch_size: int | None = None
    """How many sequences its memory was measured with; `batch_size` is for time then."""


@dataclass(frozen=True)
class Measurement:
    """One measurement that a claim rests on."""

    what: str
    """In a few words."""
    verdict: Verdict
    value: Estimate | Growth | Reach | Fit | None = None
    """None where there is none; a value that is there and not run still waits for the family's other seeds."""
    unit: Unit | None = None
    """Of an estimate."""
    n: int = 0
    counted: Counted = "seeds"
    """What n counts."""
    won: float | None = None
    """Share of seeds in which the difference is as claimed, ties half."""
    at: str = ""
    """The epoch or the layer, where a claim is about all of them."""
    is_part: bool = True
    """Whether the claim rests on it; what is shown beside it does not decide."""
    models: tuple[Role, ...] = ()
    """The two whose losses are compared, the better one by the claim first."""
    after: int | Literal["best"] | None = None
    """The epoch after which, or each run's best; None where no losses are compared."""
    is_equality: bool = False
    """Whether the claim is that there is no difference."""
    level: float | None = None
    """The smallest alpha at which a test decides; None where there is no interval, and for times and memory."""
    assay: Assay | None = None
    """What makes the test valid, or not; None where it needs nothing, or not all seeds have run."""
    tests: int = 0
    """How many primary tests it was corrected with, itself among them; 0 for a secondary one."""
    uncorrected: Verdict | None = None
    """The verdict that it would have by itself, where the correction changed it."""
    answered_by: str = ""
    """The claim that the same measurement answered before."""
    remark: str = ""
    """What the value must be read with."""
    machine: Machine | None = None
    """None where text and models tell it all."""
    source: Path | None = None
    """Where to find what the value is from: a result file, or a folder that holds its files and maybe others."""
    files: tuple[Path, ...] = ()
    """The result files that it is from, and no others."""
    lacking: tuple[Role, ...] = ()
    """Models that it is about and that there are none of."""

    @property
    def is_test(self) -> bool:
        """Whether it is, or is to be, judged by an interval over seeds."""
        return self.unit in ("nats", "gate") and self.is_part and self.verdict != "not judged"


def not_run(what: str) -> Measurement:
    """A measurement that is missing."""
    return Measurement(what, "not run")


def not_judged(what: str, lacking: list[Role]) -> Measurement:
    """A measurement that the family cannot have."""
    return Measurement(what, "not judged", lacking=tuple(lacking))
