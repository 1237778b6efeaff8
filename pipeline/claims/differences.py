"""Claims that the loss of one model is lower than another's: paired differences by seed, and what makes them a test."""

from dataclasses import replace
from pathlib import Path

from pipeline.base import paths
from pipeline.claims.assay import assay
from pipeline.claims.comparisons import ComparedRuns, When
from pipeline.claims.intervals import estimate, level, probability_of_improvement
from pipeline.claims.measurements import NAMES, Measurement, Yardstick, not_judged
from pipeline.claims.verdicts import as_equality, judged
from pipeline.params.models import Role

NOT_COUNTED = "its tokens were not counted"


def lower_loss(runs: ComparedRuns, better: Role, worse: Role, when: When, yardstick: Yardstick) -> Measurement:
    """worse - better, in nats per token; `yardstick`: the count that has to be beaten for it to be a valid test."""
    what = f"{NAMES[worse]} − {NAMES[better]}"
    lacking = [role for role in (better, worse) if runs.model(role) is None]
    if lacking:
        return not_judged(what, lacking)
    after = runs.epochs() if when == "last" else when
    missing = Measurement(
        what, "not run", unit="nats", models=(better, worse), after=after, remark=_ended_early(runs, better, worse)
    )
    differences = runs.differences(better, worse, when)
    if not differences:
        return missing
    effect, margin = estimate(differences), runs.claims.margin_nats
    all_ran = runs.all_ran(better, worse)
    needed = assay(runs, yardstick, (better, worse), when) if all_ran else None
    return replace(
        missing,
        verdict=judged(effect, margin, needed.is_met if needed else None),
        value=effect,
        n=effect.n,
        won=probability_of_improvement(differences),
        level=level(effect, margin),
        assay=needed,
        remark=NOT_COUNTED if all_ran and needed is None else missing.remark,
        source=curves_folder(runs.dataset),
        files=runs.curve_files(better, worse),
    )


def same_loss(runs: ComparedRuns, one: Role, other: Role, when: When, yardstick: Yardstick) -> Measurement:
    """The claim that two models' losses differ by no more than the margin: read off the difference one - other."""
    found = lower_loss(runs, other, one, when, yardstick)
    what = f"{found.what} (no difference)"
    return replace(found, what=what, verdict=as_equality(found.verdict), won=None, is_equality=True)


def _ended_early(runs: ComparedRuns, *roles: Role) -> str:
    """Of which models trainings are missing because their loss was not finite; empty where there are none."""
    found = {role: runs.diverged(role) for role in roles}
    told = [f"{NAMES[role]}'s loss was not finite with {seeds_text(seeds)}" for role, seeds in found.items() if seeds]
    known = {role: {*runs.curves[role], *seeds} for role, seeds in found.items()}
    if told and any(not known[role].issuperset(runs.seeds(*roles)) for role in roles):
        told.append("other seeds are missing")
    return ", ".join(told)


def seeds_text(seeds: list[int]) -> str:
    """Seed 1; seeds 1, 2."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def curves_folder(dataset: str) -> Path:
    """Where the runs of all models on a text lie."""
    return paths.curve(dataset, "any", 0).parents[1]
