"""What stands above and below the answers: in short, the terms, the rule, and how models lie beside counts."""

from math import log

from pipeline.claims.answers import Answer, by_claim, most_telling
from pipeline.claims.baselines import Baselines, baselines
from pipeline.claims.comparisons import all_compared_runs
from pipeline.claims.measurements import NAMES
from pipeline.claims.verdicts import FEWEST, Verdict
from pipeline.params.models import Role
from pipeline.params.schema import Claims, Params
from pipeline.report.published import Published
from pipeline.report.wording import runs_label

ABLATED = "wikitext-2"
"""The text of the paper's Table 3."""
CLOSEST_PUBLISHED: dict[str, tuple[Role, Role]] = {
    "C7": ("sum_fusion", "gam"),
    "C8": ("local_only", "global_only"),
    "C9": ("global_only", "gam"),
    "C10": ("local_only", "sum_fusion"),
}
"""The models between which each claim of the paper's Table 3 is decided, the worse one first."""
SMALLER = "smaller than what we call an effect"
IN_SHORT: dict[str, tuple[Verdict, ...]] = {
    "Reproduced": ("reproduced",),
    "Contradicted": ("contradicted",),
    "No effect": ("no effect",),
    "Inconclusive": ("inconclusive",),
    "No valid test": ("no valid test",),
    "Not run, or not all of it": ("not run", "not judged"),
}
"""Verdicts in the words of the first sentence."""


def in_short(found: list[Answer]) -> str:
    """The claims of each verdict."""
    shown = {claim: most_telling(each) for claim, each in by_claim(found).items()}
    texts = []
    for name, verdicts in IN_SHORT.items():
        claims = [claim for claim, answer in shown.items() if (answer.verdict if answer else "not run") in verdicts]
        named = [f"{claim} (not all of it tested)" if _is_in_part(shown[claim]) else claim for claim in claims]
        texts += [f"{name}: {', '.join(named)}."] if named else []
    return f"In short. {' '.join(texts)}"


def _is_in_part(answer: Answer | None) -> bool:
    """Whether it is answered without some of its parts."""
    if answer is None or answer.verdict in ("not run", "not judged"):
        return False
    return any(each.is_part and each.verdict == "not judged" for each in answer.measurements)


def terms(params: Params) -> list[str]:
    """What a reader needs for the table of answers."""
    claims, cap = params.claims, params.scaling.cap
    return [
        "Of the runs that made a valid test, each row shows those closest to the paper's. Other runs may say "
        "otherwise: the link in the first column leads to all of them. “Holds in 1 of 2; lowest: …”: one of the "
        "claim's two parts holds, and the least favourable part is shown.",
        "Losses are in nats per token, a unit of surprise; lower is better. “Transformer − GAM” is by how much GAM's "
        "loss is lower. Square brackets: 95 % interval, over seeds (trainings with other random numbers) or whole "
        "measurements of time. d: width of a model.",
        "“Reproduced”: the whole interval is on the claimed side, by more than a margin "
        f"({claims.margin_nats} nats, {claims.margin_ratio * 100:g} % of a time, {claims.margin_gate} of a gate). "
        "“Contradicted”: all of it is on the other side, by more than the margin, or a property is not there. “No "
        "effect”: all of it is within the margin. “Inconclusive”, or unsure: the interval reaches over a "
        f"margin, or there are fewer than {FEWEST} seeds. How far a model sees is a property: it needs no interval, "
        "and fewer seeds do. A claim of several parts needs all of them. Once all are measured, one that fails "
        "decides.",
        "“No valid test”: the models learned too little for the comparison to tell anything. C3, C4 and C12 need "
        f"models whose loss is {claims.assay_nats} nats below that of a unigram count, which knows how frequent each "
        f"token is. C7 to C11 need a GAM {claims.assay_nats} nats below a bigram count, which knows what follows one "
        "token; only how far GAM sees (C8) needs nothing.",
        "“Not run”: a measurement is missing. “Not tested here”: these runs have no such model. “Not judged”: "
        "measured, but not under the paper's conditions. What is not tested or not judged is left out of the verdict.",
        "“Primary”: one of a few tests that were named before the runs, and are corrected for being several; "
        "the intervals shown are not. “Secondary”: any other. “As C1”: the same measurement.",
        "C1, C2: time that GAM saves in a training step. The fused Transformer computes what the paper's does, in a "
        "faster way. C5, C6: by what factor a cost grows when the input becomes twice as long; x2 means "
        f"{_range(claims.linear_ratio)}, x4 means {_range(claims.quadratic_ratio)}, and what lies outside is "
        "contradicted. “By arithmetic”: the factor that one gets by counting multiplications (for time) or stored "
        f"numbers (for memory). The paper measured C6 at batch 16 in float16, on a GPU with {cap.gib} GiB.",
        "C3, C12: the paper's Mamba has no residual connections and no norms between its layers. “Mamba (residual)” "
        "has both, as Mamba's own authors use it.",
        "C7 to C10: Sum Fusion is GAM without its gate, Global Only without gate and convolution, Local Only without "
        "gate and memory. “Wide FFN”: with so wide a feed-forward network that it has as many parameters as GAM. C11: "
        "take the mean gate of the convolution, minus that of the memory. Shown is this at function words, minus this "
        "at content words; above 0 is as claimed.",
    ]


def rule(claims: Claims) -> list[str]:
    """The rule in words."""
    return [
        "Rule, fixed before the runs of small and twice, in this order. Not run: a run that the comparison needs "
        "is missing, a seed among them. No valid test: models learned too little. Inconclusive: fewer than "
        f"{FEWEST} seeds. Reproduced: the whole 95 % interval lies on the claimed side, beyond the margin. "
        "Contradicted: all of it lies on the other side, beyond the margin, or a property is not there. No effect: all "
        "of it lies inside the margin. Inconclusive: all else. Where models are claimed to be equal, inside the margin "
        "is reproduced, and outside contradicted.",
        f"A test is valid where models lie {claims.assay_nats} nats below a count of the same tokens, by the losses "
        "that it compares. C3, C4, C12: both models, below the unigram count. C7 to C11: the best GAM, whole or "
        "without some parts, below the bigram count. How far a model sees (C8) is a property, and needs nothing.",
        "A claim of several parts is reproduced if all are. It is contradicted, or without effect, if one part is, at "
        "a level divided by the number of parts. Not judged are parts about a model that was not among those trained "
        "together, and claims of such parts alone; nor times of a Mamba without mamba-ssm's kernels.",
        "Primary tests of a family were named before it was run and are corrected together (Holm 1979); their "
        "intervals are shown uncorrected. All other tests are secondary, and not corrected for being many.",
        f"Margins: {claims.margin_nats} nats for differences of loss, {claims.margin_ratio:.0%} for times, "
        f"{claims.margin_gate} for gate values.",
        "Growth (C5, C6): by what factor time, and memory, grow each time that the length doubles, from "
        f"T = {claims.shortest} to {claims.longest}; of the Transformer as far as it fits. Linear: "
        f"{_range(claims.linear_ratio)}, quadratic: {_range(claims.quadratic_ratio)}, at every doubling; one that lies "
        "outside, at a level divided by their number, fails the claim. Time: median of the ratios within a round, "
        "bootstrap over rounds. Memory is a count, the same in every run: it has no interval.",
        "Losses: paired differences of validation loss over seeds, t interval; “as claimed”: seeds in which the "
        "difference is above 0, ties half. C3, C4: after the last epoch; C7 to C10: each run's best epoch, as the "
        "paper's Table 3; C12: after every epoch.",
        "Speed (C1, C2): a measurement is the median, over rounds, of the ratio of steps that were made in turn in one "
        "process; t interval over measurements, each in a process started anew. It covers how measurements on one "
        "machine differ, not how machines do.",
        "Where a family has Mamba with residual, C3 and C12 rest on it, and the one as published is shown beside it.",
        "Gates (C11): mean gate of the convolution less mean gate of the memory, at function words, less the same at "
        "content words, mean over layers, t interval over seeds. Each layer is shown, not judged.",
        "A text that is not the paper's, or models of another size or precision, are judged for themselves and do not "
        "speak for the paper's own runs. The two published perplexities of the full GAM, 882.57 and 900.84, lie 0.0205 "
        "nats apart.",
    ]


def too_small(params: Params, published: Published) -> dict[str, float]:
    """The paper's own effects that are no effect by the margin, in nats, by claim."""
    perplexities = {model: row.best_perplexity for model, row in published.ablation[ABLATED].items()}
    effects = {
        name: log(perplexities[worse] / perplexities[better]) for name, (worse, better) in CLOSEST_PUBLISHED.items()
    }
    return {name: effect for name, effect in effects.items() if effect <= params.claims.margin_nats}


def too_small_notes(params: Params, published: Published) -> list[str]:
    """Which they are, where there are any."""
    small = [f"{name} ({effect:.4f})" for name, effect in too_small(params, published).items()]
    if not small:
        return []
    told = f"In {' and '.join(small)} the paper's own effect is {SMALLER}"
    return [f"{told}, {params.claims.margin_nats} nats: measured exactly so, it would be no effect."]


def states(params: Params, published: Published) -> dict[str, str]:
    """The effect that the paper states, by claim, and whether it is one by our margin."""
    small = too_small(params, published)
    told = {name: claim.states for name, claim in published.claims.items()}
    return {name: f"{text}: {SMALLER}" if name in small else text for name, text in told.items()}


def baseline_notes(params: Params) -> list[str]:
    """How the models of every family lie beside counts."""
    found = [(runs, baselines(runs)) for runs in all_compared_runs(params)]
    return [_beside_counts(runs_label(runs.dataset, runs.family), beside) for runs, beside in found if beside]


def _beside_counts(label: str, beside: Baselines) -> str:
    counts = ", ".join(f"{_distance(beside.loss, loss)} the {name} count" for name, loss in beside.counts.items())
    return f"{label}, {beside.steps:,} steps: the lowest mean loss, {NAMES[beside.best]}'s, lies {counts}."


def _range(ends: list[float]) -> str:
    return f"{ends[0]} to {ends[1]}"


def _distance(loss: float, other: float) -> str:
    return f"{abs(loss - other):.4f} nats {'above' if loss > other else 'below'}"
