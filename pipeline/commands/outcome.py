"""What the quickstart shows at its end: its own runs as a table, what they say, and where to look next."""

import os
from contextlib import chdir
from pathlib import Path
from statistics import fmean
from textwrap import fill

from tabulate import tabulate

from pipeline.artifacts.current import read_curves, read_ngrams
from pipeline.base import paths
from pipeline.claims.comparisons import loss
from pipeline.claims.intervals import Estimate, estimate
from pipeline.params.families import PAPER
from pipeline.params.schema import Params, load_params
from pipeline.report.groups import member
from pipeline.report.published import load_published
from pipeline.report.recalled import labels, reaches, recalled

WIDTH = 100
HEADERS = ("Model", "Mean validation loss, nats/token", "95 % interval", "n")


def outcome(workspace: Path) -> str:
    """Tables and sentences on what lies in the workspace, and its paths as seen from here."""
    here = os.path.relpath(workspace)
    with chdir(workspace):
        params = load_params()
        parts = [part for dataset in params.families[PAPER].datasets for part in _of_text(params, dataset)]
        parts += _of_copying(params)
    return "\n\n".join([*parts, _next(here)])


def _of_text(params: Params, dataset: str) -> list[str]:
    """The table of one text, and the sentences below it."""
    published, members = load_published(), params.families[PAPER].runs()
    curves = {model: read_curves(params, dataset, model) for text, model in members if text == dataset}
    losses = {
        member(params, model).name(published): estimate([loss(curve, "last") for curve in found])
        for model, found in curves.items()
        if found
    }
    ngrams = read_ngrams(params, dataset)
    counted = ngrams.models if ngrams else {}
    counts: dict[str, float] = {name: splits["validation"].loss for name, splits in counted.items()}
    losses = dict(sorted(losses.items(), key=lambda item: item[1].mean))
    rows = [_row(name, found) for name, found in losses.items()]
    rows += [(f"{name.capitalize()} count", f"{value:.4f}", "", "") for name, value in counts.items()]
    title = f"{dataset}: validation loss after the last epoch, lower is better"
    table = f"{title}\n\n{tabulate(rows, HEADERS, disable_numparse=True, colalign=('left', 'right', 'left', 'right'))}"
    steps = max((found[0].epochs[-1].steps for found in curves.values() if found), default=0)
    return [table, sentences(losses, counts, steps)] if losses else [table]


def _row(name: str, found: Estimate) -> tuple[str, str, str, str]:
    interval = "" if found.low is None else f"{found.low:.4f} to {found.high:.4f}"
    return name, f"{found.mean:.4f}", interval, str(found.n)


def sentences(losses: dict[str, Estimate], counts: dict[str, float], steps: int) -> str:
    """Who is first, and who knows more than pairs of tokens; the losses come lowest first."""
    best, lowest = next(iter(losses.items()))
    text = f"After {steps:,} steps {best} has the lowest mean loss, {lowest.mean:.4f} nats per token."
    if counts:
        bigram = counts["bigram"]
        below = [name for name, found in losses.items() if found.mean < bigram]
        above = [name for name in losses if name not in below]
        who = f"{_listed(below)} {'ends' if len(below) == 1 else 'end'}" if below and above else "All end"
        count = f"below the bigram count ({bigram:.4f}), which knows one token of context"
        text += f" {who if below else 'None ends'} {count}" + (
            f"; {_listed(above)} {'does' if len(above) == 1 else 'do'} not." if below and above else "."
        )
    return fill(text, WIDTH)


def _of_copying(params: Params) -> list[str]:
    """What was recalled over which distance; nothing where nothing was asked."""
    published, copying = load_published(), recalled(params)[0]
    names = labels(params, published, copying.accuracies)
    if not copying.ranges:
        return []
    rows = [
        (names[model], *("not run" if at not in found else f"{fmean(found[at]):.3f}" for at in copying.ranges))
        for model, found in copying.accuracies.items()
    ]
    headers = ("Model", *(f"{first} tokens back" for first, _ in copying.ranges))
    told = "; ".join(
        f"the convolutions of {names[model]} reach {reach} tokens" for model, reach in reaches(params).items()
    )
    title = f"Copying a symbol: share right, where a guess has {copying.chance:.3f}; {told}"
    aligned = ("left", *("right" for _ in copying.ranges))
    return [f"{title}\n\n{tabulate(rows, headers, disable_numparse=True, colalign=aligned)}"]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _next(here: str) -> str:
    return "\n".join(
        [
            "Where to look next:",
            f"  {here}/{paths.PAPER_TABLES}/  tables and figures of these runs, beside the paper's numbers",
            f"  {here}/{paths.PARAMS}  all that was chosen: edit it, call `source .venv/bin/activate`, and run",
            f"  {' ' * len(here)}              `dvc repro` there; the next quickstart starts from {paths.PARAMS} again",
            f"  {paths.PAPER_TABLES}/  what was reproduced at the paper's sizes; docs/daily-use.md says how",
        ]
    )
