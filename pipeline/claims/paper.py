"""The paper's twelve claims: what each was measured by. A test compares the list with published.yaml."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from gam.config import GAMConfig
from pipeline.artifacts.current import read_scaling, read_timing
from pipeline.artifacts.records import ALL_MEMORY, ScalingResult
from pipeline.claims.comparisons import Evidence, growth, not_judged, not_run, on_device, signed
from pipeline.claims.intervals import estimate, saved
from pipeline.claims.verdicts import Part, beyond, holds
from pipeline.params.datasets import TextClaim
from pipeline.params.models import Role
from pipeline.params.schema import Params

FITS_GAM, FITS_TRANSFORMER = 8192, 2048
"""Lengths in tokens that the paper says fit its GPU (C6)."""


def faster(params: Params, *roles: Role) -> list[Part]:
    """C1, C2: the part of a training step that GAM saves, from steps made in turn in one process."""
    timing, gam = read_timing(params), params.timed_gam()
    rivals = [name for name in params.timing.models if params.models[name].role in roles]
    if timing is None:
        return [not_run(f"step time saved against {rival}") for rival in rivals]
    p = timing.provenance
    where = f"{timing.batch_size} x {timing.block_size} tokens, {p.precision}, on {p.device} ({p.device_type})"
    parts = []
    for rival in rivals:
        effect = saved(timing.models[gam].seconds, timing.models[rival].seconds)
        is_mamba = params.models[rival].role == "mamba"
        measured = f"step time saved against {rival}" + (f" ({p.mamba_scan})" if is_mamba else "")
        slow = is_mamba and not p.mamba_kernels  # not the Mamba that the paper timed
        verdict = "not judged" if slow else beyond(effect, params.claims.margin_ratio)
        parts.append(Part(measured, f"{signed(effect.times(100), 1)} %", effect.n, verdict, where))
    return parts


def linear_growth(params: Params) -> list[Part]:
    """C5: GAM's exponents."""
    scaling = _read_block(params, "gam")
    return [growth(scaling, quantity, params, params.claims.linear) for quantity in ("time", "memory")]


def quadratic_growth(params: Params) -> list[Part]:
    """C6: the published Transformer block's exponents, and what fits the memory of a T4."""
    transformer, gam = (_read_block(params, role) for role in ("transformer", "gam"))
    parts = [growth(transformer, quantity, params, params.claims.quadratic) for quantity in ("time", "memory")]
    fits_transformer, fits_gam = _fits(transformer), _fits(gam)
    measured = f"under {params.scaling.cap.gib} GiB"
    beyond_limit = [length for length in fits_transformer if length > FITS_TRANSFORMER]
    if transformer is None or gam is None or on_device(transformer) != on_device(gam):
        return [*parts, not_run(measured)]
    if not beyond_limit or FITS_TRANSFORMER not in fits_transformer or FITS_GAM not in fits_gam:
        return [*parts, not_run(measured)]
    longest = max((length for length, fits in fits_transformer.items() if fits), default=0)
    runs_out = fits_transformer[FITS_TRANSFORMER] and not any(fits_transformer[length] for length in beyond_limit)
    text = f"Transformer fits {longest}, GAM {'fits' if fits_gam[FITS_GAM] else 'does not fit'} {FITS_GAM} tokens"
    return [*parts, Part(measured, text, 1, holds(runs_out and fits_gam[FITS_GAM]), on_device(gam))]


def _read_block(params: Params, role: Role) -> ScalingResult | None:
    """The measurement of the block that plays a part; of the Transformers the one with T x T weights, as published."""
    models = [name for name in params.scaling.models if params.models[name].role == role]
    plain = [name for name in models if not params.models[name].is_fused]
    return read_scaling(params, plain[0]) if plain else None


def _fits(scaling: ScalingResult | None) -> dict[int, bool]:
    """Whether each length fitted under the cap."""
    points = [] if scaling is None else scaling.points
    return {point.length: point.status == "ok" for point in points if point.memory != ALL_MEMORY}


def ahead(evidence: Evidence, *order: Role) -> list[Part]:
    """C3, C4: losses after the last epoch, each model against the next."""
    return [evidence.lower_loss(better, worse, "last") for better, worse in pairwise(order)]


def main_driver(evidence: Evidence) -> list[Part]:
    """C8: the memory alone beats the convolution alone, is as good as the whole, and sees far."""
    return [
        evidence.lower_loss("global_only", "local_only", "best"),
        evidence.same_loss("global_only", "gam"),
        sees_far(evidence),
    ]


def sees_far(evidence: Evidence) -> Part:
    """The logits depend on input further back than the convolutions alone carry it."""
    runs, name = evidence.metrics("gam"), evidence.model("gam")
    measured = "reach of GAM's logits"
    if name is None:
        return not_judged(measured, ["gam"])
    if not runs:
        return not_run(measured)
    config = evidence.params.models[name].block_config()
    assert isinstance(config, GAMConfig)
    convolutions = config.n_layer * (config.kernel_size - 1) + 1
    reaches = sorted({max(run.reach_by_gradient, run.reach_by_change) for run in runs})
    text = f"{' to '.join(map(str, reaches[:: max(1, len(reaches) - 1)]))} tokens; convolutions alone: {convolutions}"
    return Part(measured, text, len(runs), evidence.once_all_ran(len(runs), holds(reaches[0] > convolutions)))


def gates_choose(evidence: Evidence) -> list[Part]:
    """C11: how much more the gates prefer the local path at function words than at content words, by layer."""
    if evidence.model("gam") is None:
        return [not_judged("gate preference", ["gam"])]
    runs = evidence.metrics("gam")
    layers = min((len(run.gates) for run in runs), default=0)
    if not layers:
        return [not_run("gate preference")]
    parts = []
    for layer in range(layers):
        effect = estimate([run.gates[layer].function_words - run.gates[layer].content_words for run in runs])
        verdict = evidence.once_all_ran(effect.n, beyond(effect, evidence.claims.margin_gate))
        parts.append(Part(f"gate preference, layer {layer + 1}", signed(effect, 4), effect.n, verdict))
    return parts


def ahead_throughout(evidence: Evidence, *rivals: Role) -> list[Part]:
    """C12: losses after every epoch."""
    if not evidence.epochs():
        return [evidence.lower_loss("gam", rival, "last") for rival in rivals]
    parts = []
    for rival in rivals:
        for epoch in range(1, evidence.epochs() + 1):
            part = evidence.lower_loss("gam", rival, epoch)
            parts.append(replace(part, measured=f"{part.measured}, epoch {epoch}"))
    return parts


ON_MACHINES: dict[str, Callable[[Params], list[Part]]] = {
    "C1": lambda params: faster(params, "transformer", "mamba"),
    "C2": lambda params: faster(params, "transformer"),
    "C5": linear_growth,
    "C6": quadratic_growth,
}
"""Claims about time and memory, which do not depend on the text."""

ON_TEXTS: dict[TextClaim, Callable[[Evidence], list[Part]]] = {
    "C3": lambda evidence: ahead(evidence, "gam", "transformer", "mamba"),
    "C4": lambda evidence: ahead(evidence, "gam", "transformer"),
    "C7": lambda evidence: [evidence.lower_loss("gam", "sum_fusion", "best")],
    "C8": main_driver,
    "C9": lambda evidence: [evidence.lower_loss("gam", "global_only", "best")],
    "C10": lambda evidence: [
        evidence.lower_loss(other, "local_only", "best") for other in ("gam", "sum_fusion", "global_only")
    ],
    "C11": gates_choose,
    "C12": lambda evidence: ahead_throughout(evidence, *_rivals(evidence)),
}
"""Claims about what models learn; `claims` of a data set in params.yaml says which of them are judged on it."""


def _rivals(evidence: Evidence) -> list[Role]:
    """The paper's figures show Mamba on the text of C3 alone."""
    has_mamba = "C3" in evidence.params.datasets[evidence.dataset].claims
    return ["transformer", "mamba"] if has_mamba else ["transformer"]
