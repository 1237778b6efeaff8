"""The verdicts on the paper's claims, one row for each claim, text and family of models."""

from math import log
from typing import Any

from pipeline.artifacts.current import left_out_notes, read_scaling, read_timing, training_seconds
from pipeline.artifacts.records import Clock, Provenance
from pipeline.claims.baselines import worth, worths
from pipeline.claims.comparisons import all_evidence
from pipeline.claims.paper import ON_MACHINES, ON_TEXTS
from pipeline.claims.verdicts import UNDECIDED, Part, judged, rule, together
from pipeline.params.models import Role
from pipeline.params.schema import Params
from pipeline.report.published import Published
from pipeline.report.tables.layout import Bold, Column, Group, Quantity, Table, cost_notes, machine_notes

ABLATED = "wikitext-2"
"""The text of the paper's Table 3."""
CLOSEST_PUBLISHED: dict[str, tuple[Role, Role]] = {
    "C7": ("sum_fusion", "gam"),
    "C8": ("local_only", "global_only"),
    "C9": ("global_only", "gam"),
    "C10": ("local_only", "sum_fusion"),
}
"""The models between which each claim of the paper's Table 3 is decided, the worse one first."""


def claims_table(params: Params, published: Published) -> tuple[Table, dict[str, Any]]:
    """The table, and the verdicts for the summary."""
    summary: dict[str, Any] = {}
    rows = []
    for name, measure in ON_MACHINES.items():
        parts = measure(params)
        rows.append(_row(name, published, parts))
        summary.setdefault("machine", {})[name] = together(parts)
    groups = [Group(f"time and memory, any text, {_size(params, params.timed_gam())}", rows)]
    provenances = _machine_provenances(params)
    clocks: dict[tuple[str, str, int], Clock] = {}
    for evidence in all_evidence(params):
        dataset, family = evidence.dataset, evidence.family
        provenances += evidence.provenances()
        clocks |= {(clock.dataset, clock.model, clock.seed): clock for clock in evidence.clocks()}
        measured = {name: ON_TEXTS[name](evidence) for name in params.datasets[dataset].claims}
        label = f"{dataset}, family {family}, {_size(params, evidence.model('gam'))}"
        found = worth(evidence)
        remark = found.remark if found else ""
        groups.append(Group(label, [_row(name, published, parts, remark) for name, parts in measured.items()]))
        verdicts = {name: together(parts) for name, parts in measured.items()}
        summary.setdefault(dataset, {})[family] = verdicts
    columns = [
        Column(Quantity("The paper claims"), width_cm=2.8),
        Column(Quantity("and states"), width_cm=1.5),
        Column(Quantity("Measured, with 95 % interval"), width_cm=4.8),
        Column(Quantity("n"), width_cm=0.3),
        Column(Quantity("Verdict"), width_cm=2.4),
    ]
    notes = [
        rule(params.claims),
        "Losses: paired differences of validation loss over seeds, t interval; P: probability of improvement. C3, C4: "
        "after the last epoch; C7 to C10: each run's best epoch, as the paper's Table 3; C12: after every epoch. "
        "Times: steps made in turn in one process, ratio of medians, bootstrap over rounds.",
        "Gate preference: mean local minus mean global gate at function words, less the same at content words, "
        "t interval over seeds; above zero is as claimed.",
        "n: seeds; of times, rounds of steps in one process; of growth, lengths. An interval of times covers one "
        "session on one machine, not how sessions and machines differ.",
        *_too_small_notes(params, published),
        "A data set that is not the paper's, or models of another size or precision, are judged for themselves and do "
        "not speak for the paper's cell. The two published perplexities of the full GAM, 882.57 and 900.84, lie 0.0205 "
        "nats apart.",
        *worths(params),
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(list(clocks.values()))),
        *left_out_notes(params),
        *machine_notes(provenances),
    ]
    title = "The paper's claims, judged"
    return Table("claims", title, "Text and models", "Claim", columns, groups, notes, groups_per_float=1), summary


def _too_small_notes(params: Params, published: Published) -> list[str]:
    """Which of the paper's own effects the margin does not let count, where there are any."""
    perplexities = {model: row.best_perplexity for model, row in published.ablation[ABLATED].items()}
    effects = {
        name: log(perplexities[worse] / perplexities[better]) for name, (worse, better) in CLOSEST_PUBLISHED.items()
    }
    small = [f"{name} ({effect:.4f})" for name, effect in effects.items() if effect <= params.claims.margin_nats]
    if not small:
        return []
    told = f"{params.claims.margin_nats} nats is more than the paper's own effect in {' and '.join(small)}"
    return [f"The margin of {told}: measured exactly so, it would be not reproduced."]


def _size(params: Params, model: str | None) -> str:
    """How large the models are that a verdict is about, told by the GAM among them."""
    if model is None:
        return "no GAM"
    entry = params.models[model]
    return f"d = {entry.d_model}, {entry.n_layer} layers, T = {entry.block_size}"


def _row(name: str, published: Published, parts: list[Part], remark: str = "") -> list[str]:
    """`remark`: what every verdict of the group must be read with."""
    claim, verdict = published.claims[name], together(parts)
    qualified = f"{verdict} ({remark})" if remark and verdict not in UNDECIDED else verdict
    shown = Bold(qualified) if verdict in ("reproduced", "not reproduced") else qualified
    n = min((part.n for part in judged(parts)), default=0)
    where = "; ".join(sorted({part.where for part in parts if part.where}))
    return [name, claim.claim, claim.states, _measured(parts) + (f" ({where})" if where else ""), str(n), shown]


def _measured(parts: list[Part]) -> str:
    """Every part that was measured, with its interval and verdict, and what the others lack."""
    there = [part for part in parts if not part.lacking]
    lacking = dict.fromkeys(name for part in parts for name in part.lacking)
    remarks = [f"no {', no '.join(lacking)} in this family"] if lacking else []
    return "; ".join([*(_describe(part, len(there) > 1) for part in there), *remarks])


def _describe(part: Part, several: bool) -> str:
    return f"{part.measured}: {part.effect}" + (f" ({part.verdict})" if several else "")


def _machine_provenances(params: Params) -> list[Provenance]:
    timing = read_timing(params)
    scaled = [read_scaling(params, name) for name in params.scaling.models if not params.models[name].is_fused]
    return [result.provenance for result in [timing, *scaled] if result is not None]
