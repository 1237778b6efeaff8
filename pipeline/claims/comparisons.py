"""Results by the role that a model plays in the claims, and comparisons of them, paired by seed."""

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Literal

from pipeline.artifacts.current import read_clocks, read_curves, read_metrics
from pipeline.artifacts.records import Clock, Curve, Metrics, Provenance, ScalingResult
from pipeline.claims.intervals import Estimate, estimate, growth_exponent, probability_of_improvement
from pipeline.claims.verdicts import Part, Verdict, between, beyond
from pipeline.params.models import Role
from pipeline.params.schema import Claims, Params

What = Literal["time", "memory"]
FEWEST_LENGTHS = 3
"""Lengths from which on growth is fitted."""
NAMES: dict[Role, str] = {
    "transformer": "Transformer",
    "mamba": "Mamba",
    "gam": "GAM",
    "sum_fusion": "Sum Fusion",
    "global_only": "Global Only",
    "local_only": "Local Only",
}


@dataclass(frozen=True)
class Evidence:
    """The runs of one family of models on one data set."""

    params: Params
    dataset: str
    family: str

    @property
    def claims(self) -> Claims:
        return self.params.claims

    @cached_property
    def curves(self) -> dict[Role, dict[int, Curve]]:
        """By role and seed; only runs that the family names."""
        return {role: {curve.seed: curve for curve in self._read(role)} for role in NAMES}

    def _read(self, role: Role) -> list[Curve]:
        model = self.model(role)
        return [] if model is None else read_curves(self.params, self.dataset, model)

    def model(self, role: Role) -> str | None:
        """The entry of `models` that plays a role in this family."""
        models = self.params.families[self.family].members()
        return next((model for model in models if self.params.models[model].role == role), None)

    def lacking(self, *roles: Role) -> list[Role]:
        """Those of the roles that no model plays in this family."""
        return [role for role in roles if self.model(role) is None]

    def metrics(self, role: Role) -> list[Metrics]:
        """What `evaluate` found, by seed."""
        model = self.model(role)
        return [] if model is None else read_metrics(self.params, self.dataset, model)

    def clocks(self) -> list[Clock]:
        """What the clock said during all runs of the family."""
        models = [model for role in NAMES if (model := self.model(role)) is not None]
        return [clock for model in models for clock in read_clocks(self.params, self.dataset, model)]

    def provenances(self) -> list[Provenance]:
        """Of all runs of the family."""
        return [stamp for runs in self.curves.values() for curve in runs.values() for stamp in curve.made_by]

    def lower_loss(self, better: Role, worse: Role, when: Literal["last", "best"] | int) -> Part:
        """The claim that one model's loss is lower than another's: paired differences of loss, in nats."""
        measured = f"{NAMES[worse]} − {NAMES[better]}"
        if lacking := self.lacking(better, worse):
            return not_judged(measured, lacking)
        differences = self.differences(better, worse, when)
        if not differences:
            return not_run(measured)
        effect = estimate(differences)
        share = probability_of_improvement(differences)
        text = f"{signed(effect, 4)} nats, P = {share:.2f}"
        return Part(measured, text, effect.n, self.once_all_ran(effect.n, beyond(effect, self.claims.margin_nats)))

    def same_loss(self, one: Role, other: Role) -> Part:
        """The claim that two models' best losses differ by no more than the margin."""
        measured = f"{NAMES[one]} − {NAMES[other]}, within the margin"
        if lacking := self.lacking(one, other):
            return not_judged(measured, lacking)
        differences = self.differences(other, one, "best")
        if not differences:
            return not_run(measured)
        effect, margin = estimate(differences), self.claims.margin_nats
        verdict = self.once_all_ran(effect.n, between(effect, -margin, margin))
        return Part(measured, f"{signed(effect, 4)} nats", effect.n, verdict)

    def once_all_ran(self, n: int, verdict: Verdict) -> Verdict:
        """The verdict where all seeds of the family ran: judged earlier, it could be had by stopping in time."""
        return verdict if n == len(self.params.families[self.family].seeds) else "not run"

    def differences(self, better: Role, worse: Role, when: Literal["last", "best"] | int) -> list[float]:
        """worse - better by seed; `when` is an epoch, the last, or each run's best."""
        ours, theirs = self.curves[better], self.curves[worse]
        return [loss(theirs[seed], when) - loss(ours[seed], when) for seed in ours if seed in theirs]

    def epochs(self) -> int:
        """Epochs that every run of the family has."""
        return min((len(curve.epochs) for runs in self.curves.values() for curve in runs.values()), default=0)


def all_evidence(params: Params) -> list[Evidence]:
    """Every family on each of its texts."""
    return [Evidence(params, dataset, name) for name, family in params.families.items() for dataset in family.datasets]


def loss(curve: Curve, when: Literal["last", "best"] | int) -> float:
    """Validation loss in nats per token."""
    losses = [epoch.validation_loss for epoch in curve.epochs]
    if when == "best":
        return min(losses)
    return losses[-1] if when == "last" else losses[when - 1]


def growth(scaling: ScalingResult | None, what: What, params: Params, allowed: list[float]) -> Part:
    """The claim that a block's time or memory grows with a power of the length that lies in a range."""
    effect = exponent(scaling, what, params) if scaling else None
    if scaling is None or effect is None:
        return not_run(f"exponent of {what}")
    verdict = between(effect, *allowed)
    return Part(f"exponent of {what}", unsigned(effect, 3), effect.n, verdict, on_device(scaling))


def on_device(scaling: ScalingResult) -> str:
    """What one block was measured on."""
    p, d_model = scaling.provenance, scaling.entry["d_model"]
    return f"one block, d = {d_model}, batch {scaling.on.batch_size}, {p.precision}, on {p.device} ({p.device_type})"


def exponent(scaling: ScalingResult, what: What, params: Params) -> Estimate | None:
    """Growth of the median time or the peak memory, with all of the memory; None with fewer than three lengths."""
    shortest = params.claims.shortest
    points = [p for p in scaling.points if p.memory == "device" and p.status == "ok" and p.length >= shortest]
    if len(points) < FEWEST_LENGTHS:
        return None
    values = [median(p.milliseconds) if what == "time" else p.peak_mib or 0.0 for p in points]
    return growth_exponent([p.length for p in points], values)


def not_run(measured: str) -> Part:
    """A measurement that is missing."""
    return Part(measured, "–", 0, "not run")


def not_judged(measured: str, lacking: list[Role]) -> Part:
    """A measurement that the family cannot have."""
    return Part(measured, "–", 0, "not judged", lacking=tuple(NAMES[role] for role in lacking))


def signed(effect: Estimate, decimals: int) -> str:
    """An effect with its sign, and its interval or n."""
    if effect.low is None or effect.high is None:
        return f"{effect.mean:+z.{decimals}f} (n = {effect.n})"
    return f"{effect.mean:+z.{decimals}f} [{effect.low:+z.{decimals}f}, {effect.high:+z.{decimals}f}]"


def unsigned(effect: Estimate, decimals: int) -> str:
    """A positive quantity with its interval."""
    return signed(effect, decimals).replace("+", "")
