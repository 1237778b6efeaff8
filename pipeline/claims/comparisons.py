"""The runs of one family on one text, by the role that a model plays in the claims."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Literal

from pipeline.artifacts.current import read_clocks, read_curves, read_diverged, read_metrics, read_ngrams
from pipeline.artifacts.records import Clock, Curve, Metrics, Ngrams, Provenance
from pipeline.base import paths
from pipeline.claims.measurements import NAMES
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

    @cached_property
    def ngrams(self) -> Ngrams | None:
        """What counts of the same tokens are worth."""
        return read_ngrams(self.params, self.dataset)

    def _read(self, role: Role) -> list[Curve]:
        model = self.model(role)
        return [] if model is None else read_curves(self.params, self.dataset, model)

    def model(self, role: Role) -> str | None:
        """The entry of `models` that plays a role in this family."""
        models = self.params.families[self.family].members()
        return next((model for model in models if self.params.models[model].role == role), None)

    def seeds(self, *roles: Role) -> list[int]:
        """Those that each of these models is to have on this text."""
        runs = self.params.runs()
        first, *others = ([] if (m := self.model(role)) is None else runs.get((self.dataset, m), []) for role in roles)
        return [seed for seed in first if all(seed in other for other in others)]

    def all_ran(self, *roles: Role) -> bool:
        """Whether all runs are there that these models are to be compared by."""
        seeds = self.seeds(*roles)
        return bool(seeds) and all(seed in self.curves[role] for role in roles for seed in seeds)

    def diverged(self, role: Role) -> list[int]:
        """Seeds whose training came to no end, since its loss was not finite."""
        model = self.model(role)
        return [] if model is None else [end.seed for end in read_diverged(self.params, self.dataset, model)]

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

    def differences(self, better: Role, worse: Role, when: When) -> list[float]:
        """worse - better by seed, in nats per token."""
        ours, theirs = self.curves[better], self.curves[worse]
        return [loss(theirs[seed], when) - loss(ours[seed], when) for seed in ours if seed in theirs]

    def curve_files(self, *roles: Role) -> tuple[Path, ...]:
        """The files of these models' runs, of the seeds that all of them have."""
        seeds = [seed for seed in self.curves[roles[0]] if all(seed in self.curves[role] for role in roles)]
        models = [model for role in roles if (model := self.model(role)) is not None]
        return tuple(paths.curve(self.dataset, model, seed) for model in models for seed in seeds)

    def metrics_files(self, role: Role) -> tuple[Path, ...]:
        """The files of `metrics`."""
        return tuple(paths.metrics(found.dataset, found.model, found.seed) for found in self.metrics(role))

    def mean_loss(self, role: Role, seeds: list[int], when: When) -> float:
        """Over these seeds, which have all run."""
        return fmean(loss(self.curves[role][seed], when) for seed in seeds)

    def epochs(self) -> int:
        """Epochs that every run of the family has."""
        return min((len(curve.epochs) for runs in self.curves.values() for curve in runs.values()), default=0)


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
