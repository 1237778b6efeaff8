"""The paper's twelve claims: what each is measured by. A test compares the list with published.yaml."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from gam.config import GAMConfig
from pipeline.base import paths
from pipeline.claims.comparisons import ComparedRuns
from pipeline.claims.costs import faster, linear_growth, quadratic_growth
from pipeline.claims.intervals import estimate
from pipeline.claims.measurements import Measurement, Reach, not_judged, not_run
from pipeline.claims.verdicts import beyond, holds
from pipeline.params.datasets import TextClaim
from pipeline.params.models import Role
from pipeline.params.schema import Params


def ahead(runs: ComparedRuns, *order: Role) -> list[Measurement]:
    """C3, C4: losses after the last epoch, each model against the next."""
    return [runs.lower_loss(better, worse, "last") for better, worse in pairwise(order)]


def main_driver(runs: ComparedRuns) -> list[Measurement]:
    """C8: the memory alone beats the convolution alone, is as good as the whole, and sees far."""
    return [
        runs.lower_loss("global_only", "local_only", "best"),
        runs.same_loss("global_only", "gam"),
        sees_far(runs),
    ]


def sees_far(runs: ComparedRuns) -> Measurement:
    """The output depends on input further back than the convolutions alone carry it."""
    found, model = runs.metrics("gam"), runs.model("gam")
    what = "tokens that GAM's output depends on"
    if model is None:
        return not_judged(what, ["gam"])
    if not found:
        return not_run(what)
    config = runs.params.models[model].block_config()
    assert isinstance(config, GAMConfig)
    tokens = [max(metrics.reach_by_gradient, metrics.reach_by_change) for metrics in found]
    reach = Reach(min(tokens), max(tokens), convolutions=config.n_layer * (config.kernel_size - 1) + 1)
    verdict = runs.once_all_ran(len(found), holds(reach.fewest > reach.convolutions))
    source = paths.metrics(runs.dataset, model, 0).parent
    return Measurement(what, verdict, reach, n=len(found), source=source)


def gates_choose(runs: ComparedRuns) -> list[Measurement]:
    """C11: how much more the gates prefer the local path at function words than at content words, by layer."""
    what, model = "function words − content words", runs.model("gam")
    if model is None:
        return [not_judged(what, ["gam"])]
    metrics = runs.metrics("gam")
    layers = min((len(run.gates) for run in metrics), default=0)
    if not layers:
        return [not_run(what)]
    source = paths.metrics(runs.dataset, model, 0).parent
    found = []
    for layer in range(layers):
        effect = estimate([run.gates[layer].function_words - run.gates[layer].content_words for run in metrics])
        verdict = runs.once_all_ran(effect.n, beyond(effect, runs.claims.margin_gate))
        at = f"layer {layer + 1}"
        found.append(Measurement(what, verdict, effect, "gate", effect.n, at=at, source=source))
    return found


def ahead_throughout(runs: ComparedRuns, *rivals: Role) -> list[Measurement]:
    """C12: losses after every epoch."""
    if not runs.epochs():
        return [runs.lower_loss("gam", rival, "last") for rival in rivals]
    return [
        replace(runs.lower_loss("gam", rival, epoch), at=f"epoch {epoch}")
        for rival in rivals
        for epoch in range(1, runs.epochs() + 1)
    ]


ON_MACHINES: dict[str, Callable[[Params], list[Measurement]]] = {
    "C1": lambda params: faster(params, "transformer", "mamba"),
    "C2": lambda params: faster(params, "transformer"),
    "C5": linear_growth,
    "C6": quadratic_growth,
}
"""Claims about time and memory, which do not depend on the text."""

ON_TEXTS: dict[TextClaim, Callable[[ComparedRuns], list[Measurement]]] = {
    "C3": lambda runs: ahead(runs, "gam", "transformer", "mamba"),
    "C4": lambda runs: ahead(runs, "gam", "transformer"),
    "C7": lambda runs: [runs.lower_loss("gam", "sum_fusion", "best")],
    "C8": main_driver,
    "C9": lambda runs: [runs.lower_loss("gam", "global_only", "best")],
    "C10": lambda runs: [
        runs.lower_loss(other, "local_only", "best") for other in ("gam", "sum_fusion", "global_only")
    ],
    "C11": gates_choose,
    "C12": lambda runs: ahead_throughout(runs, *_rivals(runs)),
}
"""Claims about what models learn; `claims` of a data set in params.yaml says which of them are judged on it."""


def _rivals(runs: ComparedRuns) -> list[Role]:
    """The paper's figures show Mamba on the text of C3 alone."""
    has_mamba = "C3" in runs.params.datasets[runs.dataset].claims
    return ["transformer", "mamba"] if has_mamba else ["transformer"]
