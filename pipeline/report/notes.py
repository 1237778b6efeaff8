"""What stands below the answers: the terms, the rule of the verdicts, and what baselines say of the models."""

from math import log

from pipeline.claims.answers import Answer, by_claim, most_telling
from pipeline.claims.baselines import Baselines, Remark, baselines
from pipeline.claims.comparisons import all_compared_runs
from pipeline.claims.verdicts import Verdict
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
MEANING: dict[Remark, str] = {
    "models learned only word frequencies": "verdicts on losses and gates tell that training did not get far, and no "
    "more",
    "models worse than word-pair counts": "verdicts on losses and gates tell how fast models learn what one word of "
    "context is worth, not what more is",
}
"""What follows for the verdicts from each remark."""


IN_SHORT: dict[str, tuple[Verdict, ...]] = {
    "Reproduced": ("reproduced",),
    "Not reproduced": ("not reproduced",),
    "Undecided": ("inconclusive",),
    "Not run, or not all of it": ("not run", "not judged"),
}
"""Verdicts in the words of the first sentence."""


def in_short(found: list[Answer]) -> str:
    """One sentence for each verdict, and what all of them must be read with."""
    shown = {claim: most_telling(each) for claim, each in by_claim(found).items()}
    texts = []
    for name, verdicts in IN_SHORT.items():
        claims = [claim for claim, answer in shown.items() if (answer.verdict if answer else "not run") in verdicts]
        named = [f"{claim} (in part)" if _is_in_part(shown[claim]) else claim for claim in claims]
        texts += [f"{name}: {', '.join(named)}."] if named else []
    learned = [answer.baselines for answer in found if answer.is_decided and answer.baselines]
    if learned and all(beside.remark for beside in learned):
        texts.append(
            "No model was trained far enough to predict better than a table of word pairs. So the answers that rest "
            "on losses or gates say how training begins, and little about the architectures."
        )
    return f"In short. {' '.join(texts)}"


def _is_in_part(answer: Answer | None) -> bool:
    """Whether it is decided without some of its parts."""
    return answer is not None and answer.is_decided and any(e.verdict == "not judged" for e in answer.measurements)


def terms(params: Params) -> list[str]:
    """What a reader needs for the table of answers."""
    claims, cap = params.claims, params.scaling.cap
    return [
        "Each row shows the runs that are closest to the paper's. Other runs may say otherwise: the link in the first "
        "column leads to all of them.",
        "Losses are in nats per token, a unit of surprise; lower is better. “Transformer − GAM” is by how much GAM's "
        "loss is lower. Square brackets: 95 % interval, over seeds (trainings with other random numbers) or whole "
        "measurements of time. d: width of a model.",
        "“Reproduced”: the whole interval is on the claimed side, by more than a margin "
        f"({claims.margin_nats} nats, {claims.margin_ratio * 100:g} % of a time, {claims.margin_gate} of a gate). “Not "
        "reproduced”: all of it is within the margin or on the other side. “Inconclusive”, or unsure: neither. “Not "
        "run”: a measurement is missing. “Not tested here”: these runs have no such model. “Not judged”: measured, "
        "but not under the paper's conditions. Both are left out of the verdict.",
        "“Models learned only word frequencies”: knowing how frequent each word is predicts as well as they do. "
        "“Models worse than word-pair counts”: a table of which word follows which predicts better than they do.",
        "C1, C2: time that GAM saves in a training step. The fused Transformer computes the same result faster. C5, "
        "C6: by what factor a cost grows when the input becomes twice as long; x2 means "
        f"{_range(claims.linear_ratio)}, x4 means {_range(claims.quadratic_ratio)}. “By arithmetic”: what counting "
        "multiplications, or the numbers that are kept in memory, has it be. The paper measured C6 at batch 16 in "
        f"float16, on a GPU with {cap.gib} GiB.",
        "C7 to C10: Sum Fusion is GAM without its gate, Global Only without gate and convolution, Local Only without "
        "gate and memory. C11: the mean gate of the convolution less that of the memory, at function words less at "
        "content words; above 0 is as claimed.",
    ]


def rule(claims: Claims) -> list[str]:
    """The rule in words."""
    return [
        "Rule, fixed beforehand, in this order. Not run: a run that the claim needs is missing, a seed among them. "
        "Inconclusive: fewer than 3 seeds. Reproduced: the whole 95 % interval lies on the claimed side, beyond the "
        "margin. Not reproduced: all of it lies inside the margin or on the other side. Inconclusive: all else.",
        "A claim of several parts is reproduced if all are, and not reproduced if one is not. Not judged are parts "
        "about a model that was not among those trained together, and claims of such parts alone; nor, by a rule added "
        "after the first times and changing no verdict then, times of a Mamba without mamba-ssm's kernels.",
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
        "Gates (C11): mean gate of the convolution less mean gate of the memory, at function words, less the same at "
        "content words, t interval over seeds.",
        "A text that is not the paper's, or models of another size or precision, are judged for themselves and do not "
        "speak for the paper's own runs. The two published perplexities of the full GAM, 882.57 and 900.84, lie 0.0205 "
        "nats apart.",
    ]


def too_small_notes(params: Params, published: Published) -> list[str]:
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


def baseline_notes(params: Params) -> list[str]:
    """How the models of every family lie beside counts, and what follows."""
    found = [(runs, baselines(runs)) for runs in all_compared_runs(params)]
    return [_beside_counts(runs_label(runs.dataset, runs.family), beside) for runs, beside in found if beside]


def _beside_counts(label: str, beside: Baselines) -> str:
    unigram, bigram = (_distance(beside.best, count) for count in (beside.unigram, beside.bigram))
    text = (
        f"{label}, {beside.steps:,} steps: the lowest mean loss of a model lies {unigram} that of a unigram count, "
        f"which knows how frequent each token is, and {bigram} that of a bigram count, which knows the token before."
    )
    return f"{text} So {beside.remark}: {MEANING[beside.remark]}." if beside.remark else text


def _range(ends: list[float]) -> str:
    return f"{ends[0]} to {ends[1]}"


def _distance(loss: float, other: float) -> str:
    return f"{abs(loss - other):.4f} nats {'above' if loss > other else 'below'}"
