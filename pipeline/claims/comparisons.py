"""Runs by the role that a model plays in the claims, and comparisons of their losses, paired by seed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pipeline.artifacts.current import read_clocks, read_curves, read_metrics
from pipeline.artifacts.records import Clock, Curve, Metrics, Provenance
from pipeline.base import paths
from pipeline.claims.intervals import estimate, probability_of_improvement
from pipeline.claims.measurements import NAMES, Measurement, not_judged, not_run
from pipeline.claims.verdicts import Verdict, between, beyond
from pipeline.params.models import Role
from pipeline.params.schema import Claims, Params

When = Literal["last", "best"] | int
"""After which epoch: the last, each run's best, or this one."""


@dataclass(frozen=True)
class ComparedRuns:
    """The runs of one family of models on one text."""

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

    def lower_loss(self, better: Role, worse: Role, when: When) -> Measurement:
        """The claim that one model's loss is lower than another's: paired differences of loss, in nats."""
        what = f"{NAMES[worse]} − {NAMES[better]}"
        differences = self.differences(better, worse, when)
        if not differences:
            return self._missing(what, better, worse)
        effect = estimate(differences)
        return Measurement(
            what,
            self.once_all_ran(effect.n, beyond(effect, self.claims.margin_nats)),
            effect,
            "nats",
            effect.n,
            won=probability_of_improvement(differences),
            source=self._curves_folder(),
        )

    def same_loss(self, one: Role, other: Role) -> Measurement:
        """The claim that two models' best losses differ by no more than the margin."""
        what, margin = f"{NAMES[one]} − {NAMES[other]}, within the margin", self.claims.margin_nats
        differences = self.differences(other, one, "best")
        if not differences:
            return self._missing(what, one, other)
        effect = estimate(differences)
        verdict = self.once_all_ran(effect.n, between(effect, -margin, margin))
        return Measurement(what, verdict, effect, "nats", effect.n, source=self._curves_folder())

    def once_all_ran(self, n: int, verdict: Verdict) -> Verdict:
        """The verdict where all seeds of the family ran: judged earlier, it could be had by stopping in time."""
        return verdict if n == len(self.params.families[self.family].seeds) else "not run"

    def differences(self, better: Role, worse: Role, when: When) -> list[float]:
        """worse - better by seed."""
        ours, theirs = self.curves[better], self.curves[worse]
        return [loss(theirs[seed], when) - loss(ours[seed], when) for seed in ours if seed in theirs]

    def epochs(self) -> int:
        """Epochs that every run of the family has."""
        return min((len(curve.epochs) for runs in self.curves.values() for curve in runs.values()), default=0)

    def _missing(self, what: str, *roles: Role) -> Measurement:
        lacking = [role for role in roles if self.model(role) is None]
        return not_judged(what, lacking) if lacking else not_run(what)

    def _curves_folder(self) -> Path:
        """Where the runs of all models on this text lie."""
        return paths.curve(self.dataset, "any", 0).parents[1]


def all_compared_runs(params: Params) -> list[ComparedRuns]:
    """Every family on each of its texts."""
    return [
        ComparedRuns(params, dataset, name) for name, family in params.families.items() for dataset in family.datasets
    ]


def loss(curve: Curve, when: When) -> float:
    """Validation loss in nats per token."""
    losses = [epoch.validation_loss for epoch in curve.epochs]
    if when == "best":
        return min(losses)
    return losses[-1] if when == "last" else losses[when - 1]
