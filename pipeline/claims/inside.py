"""Claims about what is inside of GAM: how far it sees, and which path its gates choose."""

from gam.config import GAMConfig
from pipeline.base import paths
from pipeline.claims.assay import context_is_used
from pipeline.claims.comparisons import ComparedRuns
from pipeline.claims.differences import NOT_COUNTED
from pipeline.claims.intervals import estimate, level
from pipeline.claims.measurements import Measurement, Reach, not_judged, not_run
from pipeline.claims.verdicts import holds, judged


def sees_far(runs: ComparedRuns) -> Measurement:
    """The output depends on input further back than the convolutions alone carry it: a property, there or not."""
    found, model = runs.metrics("gam"), runs.model("gam")
    what = "how far GAM sees"
    if model is None:
        return not_judged(what, ["gam"])
    if not found:
        return not_run(what)
    config = runs.params.models[model].block_config()
    assert isinstance(config, GAMConfig)
    tokens = [max(metrics.reach_by_gradient, metrics.reach_by_change) for metrics in found]
    reach = Reach(min(tokens), max(tokens), convolutions=config.n_layer * (config.kernel_size - 1) + 1)
    verdict = holds(reach.fewest > reach.convolutions) if len(found) == len(runs.seeds("gam")) else "not run"
    source, files = paths.metrics(runs.dataset, model, 0).parent, runs.metrics_files("gam")
    return Measurement(what, verdict, reach, n=len(found), source=source, files=files)


def gates_choose(runs: ComparedRuns) -> list[Measurement]:
    """C11: how much more the gates prefer the local path at function words than at content words.

    The mean over layers is judged; each layer is shown beside it.
    """
    what, model = "function words − content words", runs.model("gam")
    if model is None:
        return [not_judged(what, ["gam"])]
    metrics = runs.metrics("gam")
    layers = min((len(run.gates) for run in metrics), default=0)
    if not layers:
        return [Measurement(what, "not run", unit="gate")]
    preferences = [[gates.function_words - gates.content_words for gates in run.gates] for run in metrics]
    effect, margin = estimate([sum(layer) / layers for layer in preferences]), runs.claims.margin_gate
    all_ran = effect.n == len(runs.seeds("gam"))
    needed = context_is_used(runs, "last") if all_ran else None
    source = paths.metrics(runs.dataset, model, 0).parent
    found = Measurement(
        what,
        judged(effect, margin, needed.is_met if needed else None),
        effect,
        "gate",
        effect.n,
        at=f"mean of {layers} layers",
        level=level(effect, margin),
        assay=needed,
        remark=NOT_COUNTED if all_ran and needed is None else "",
        source=source,
        files=runs.metrics_files("gam"),
    )
    return [found, *(_layer(found, at, [run[at] for run in preferences]) for at in range(layers))]


def _layer(whole: Measurement, at: int, preferences: list[float]) -> Measurement:
    """One layer beside the mean of all."""
    return Measurement(
        whole.what,
        "not judged",
        estimate(preferences),
        "gate",
        len(preferences),
        at=f"layer {at + 1}",
        is_part=False,
        source=whole.source,
        files=whole.files,
    )
