"""The paper's twelve claims: what each is measured by. A test compares the list with published.yaml."""

from collections.abc import Callable
from dataclasses import replace

from pipeline.artifacts.devices import Device
from pipeline.claims.comparisons import ComparedRuns
from pipeline.claims.costs import faster, linear_growth, quadratic_growth
from pipeline.claims.differences import lower_loss, same_loss
from pipeline.claims.inside import gates_choose, sees_far
from pipeline.claims.measurements import Measurement
from pipeline.params.datasets import TextClaim
from pipeline.params.models import Role
from pipeline.params.schema import Params


def in_order(runs: ComparedRuns) -> list[Measurement]:
    """C3: losses after the last epoch, GAM's below the Transformer's, and that below Mamba's."""
    return [
        lower_loss(runs, "gam", "transformer", "last", "unigram"),
        lower_loss(runs, "transformer", _mamba(runs), "last", "unigram"),
        *(_beside(lower_loss(runs, "transformer", mamba, "last", "unigram")) for mamba in _published_mamba(runs)),
    ]


def gate_helps(runs: ComparedRuns) -> list[Measurement]:
    """C7: GAM beats Sum Fusion, also where that was given as many parameters in its feed-forward network."""
    controls: list[Role] = ["sum_fusion_wide"] if runs.model("sum_fusion_wide") else []
    return [lower_loss(runs, "gam", rival, "best", "bigram") for rival in ("sum_fusion", *controls)]


def main_driver(runs: ComparedRuns) -> list[Measurement]:
    """C8: the memory alone beats the convolution alone, is as good as the whole, and sees far.

    Beside it, where the family has these models: what the memory adds to a feed-forward network, and whether one that
    tokens write to does better.
    """
    others: list[tuple[Role, Role]] = [("global_only", "ffn_only"), ("gated_slots", "gam")]
    return [
        lower_loss(runs, "global_only", "local_only", "best", "bigram"),
        same_loss(runs, "global_only", "gam", "best", "bigram"),
        sees_far(runs),
        *(
            _beside(lower_loss(runs, better, worse, "best", "bigram"))
            for better, worse in others
            if runs.model(better) and runs.model(worse)
        ),
    ]


def convolution_is_worst(runs: ComparedRuns) -> list[Measurement]:
    """C10: all others have a lower loss than Local Only."""
    others: tuple[Role, ...] = ("gam", "sum_fusion", "global_only")
    return [lower_loss(runs, other, "local_only", "best", "bigram") for other in others]


def ahead_throughout(runs: ComparedRuns) -> list[Measurement]:
    """C12: losses after every epoch. The paper's figures show Mamba on the text of C3 alone."""
    has_mamba = "C3" in runs.params.datasets[runs.dataset].claims
    rivals: list[Role] = ["transformer", *([_mamba(runs)] if has_mamba else [])]
    found = [each for rival in rivals for each in _after_every_epoch(runs, rival)]
    beside = [each for mamba in _published_mamba(runs) if has_mamba for each in _after_every_epoch(runs, mamba)]
    return [*found, *map(_beside, beside)]


def _after_every_epoch(runs: ComparedRuns, rival: Role) -> list[Measurement]:
    if not runs.epochs():
        return [lower_loss(runs, "gam", rival, "last", "unigram")]
    epochs = range(1, runs.epochs() + 1)
    return [replace(lower_loss(runs, "gam", rival, at, "unigram"), at=f"epoch {at}") for at in epochs]


def _mamba(runs: ComparedRuns) -> Role:
    """The Mamba that claims rest on: the one with residual and norm where the family has it."""
    return "mamba_residual" if runs.model("mamba_residual") else "mamba"


def _published_mamba(runs: ComparedRuns) -> list[Role]:
    """The Mamba as published, where claims rest on another."""
    return ["mamba"] if runs.model("mamba") and runs.model("mamba_residual") else []


def _beside(measurement: Measurement) -> Measurement:
    """The same, shown and no part of the claim."""
    return replace(measurement, is_part=False)


ON_DEVICES: dict[str, Callable[[Params, Device], list[Measurement]]] = {
    "C1": lambda params, device: faster(params, device, "transformer", "mamba"),
    "C2": lambda params, device: faster(params, device, "transformer"),
    "C5": linear_growth,
    "C6": quadratic_growth,
}
"""Claims about time and memory, which do not depend on the text: each is judged on every device by itself."""

ON_TEXTS: dict[TextClaim, Callable[[ComparedRuns], list[Measurement]]] = {
    "C3": in_order,
    "C4": lambda runs: [lower_loss(runs, "gam", "transformer", "last", "unigram")],
    "C7": gate_helps,
    "C8": main_driver,
    "C9": lambda runs: [lower_loss(runs, "gam", "global_only", "best", "bigram")],
    "C10": convolution_is_worst,
    "C11": gates_choose,
    "C12": ahead_throughout,
}
"""Claims about what models learn; `claims` of a data set in params.yaml says which of them are judged on it."""
