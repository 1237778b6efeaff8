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
}


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
    remark: str = ""
    """What the value must be read with."""
    machine: Machine | None = None
    """None where text and models tell it all."""
    source: Path | None = None
    """The result file, or the folder of several, that the value is from."""
    lacking: tuple[Role, ...] = ()
    """Models that it is about and that there are none of."""


def not_run(what: str) -> Measurement:
    """A measurement that is missing."""
    return Measurement(what, "not run")


def not_judged(what: str, lacking: list[Role]) -> Measurement:
    """A measurement that the family cannot have."""
    return Measurement(what, "not judged", lacking=tuple(lacking))
