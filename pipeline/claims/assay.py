"""Assay sensitivity (ICH E10): whether models learned enough for a comparison between them to be a valid test."""

from pipeline.claims.comparisons import ComparedRuns, When
from pipeline.claims.measurements import Assay, Yardstick
from pipeline.params.models import ABLATIONS, Role


def assay(runs: ComparedRuns, yardstick: Yardstick, compared: tuple[Role, Role], when: When) -> Assay | None:
    """What a comparison of two models needs, by losses at the same time. None where no tokens were counted."""
    return all_know_more(runs, compared, when) if yardstick == "unigram" else context_is_used(runs, when)


def all_know_more(runs: ComparedRuns, compared: tuple[Role, Role], when: When) -> Assay | None:
    """Whether each of two models lies below the unigram count: the worse of them."""
    seeds = runs.seeds(*compared)
    losses = {role: runs.mean_loss(role, seeds, when) for role in compared}
    worse = max(compared, key=lambda role: losses[role])
    return _beside(runs, worse, losses[worse], "unigram")


def context_is_used(runs: ComparedRuns, when: When) -> Assay | None:
    """Whether the best GAM, whole or without some parts, lies below the bigram count.

    Only those whose seeds have all run: so what runs later may make a test valid, and never the other way round.
    """
    there = [role for role in ("gam", *ABLATIONS) if runs.all_ran(role)]
    losses = {role: runs.mean_loss(role, runs.seeds(role), when) for role in there}
    best = min(there, key=lambda role: losses[role], default=None)
    return _beside(runs, best, losses[best], "bigram") if best else None


def _beside(runs: ComparedRuns, role: Role, loss: float, yardstick: Yardstick) -> Assay | None:
    if runs.ngrams is None:
        return None
    count = runs.ngrams.models[yardstick]["validation"].loss
    return Assay(role, loss, yardstick, count, is_met=loss <= count - runs.claims.assay_nats)
