"""`./reproduce.sh [CLAIM ...]`: the small models made anew on this machine, and what they say of the paper's claims.

Text, tokens, learning rates, trainings, evaluation: all in a folder of its own, .quickstart/small. Nothing that is
recorded is touched. With names of claims, such as C7 C11: only the models that these need. How many hours that takes is
said first, by the clocks of the recorded runs. Ctrl-C loses nothing: the same command goes on.

With --quick the quickstart takes its place, in minutes: every step once, beside the results that it has in git.

Either ends with report.json and a line for each claim: what git has, what was found, and whether it is the same. Exits
with 1 where something is not the same.
"""

import argparse
import math
import os
import sys
from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

import psutil

from pipeline.artifacts.current import read_clocks, training_seconds
from pipeline.artifacts.records import Clock, TuningResult
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import write_json
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE
from pipeline.commands.beside import beside, read_account
from pipeline.commands.progress import rounded
from pipeline.commands.quickstart import OVERLAYS, cores, fill, made, run, run_stages, with_overlay
from pipeline.params.command_line import OneLineParser
from pipeline.params.datasets import TextClaim
from pipeline.params.families import PAPER
from pipeline.params.models import Role
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params, load_params

FAMILY = "small"
WORKSPACE = HOUSE / ".quickstart" / FAMILY
QUICK = "stories"
"""The overlay of the quickstart."""
RECORDED = OVERLAYS / QUICK
"""Its results in git: curves and summary, as a workspace has them."""
MEMORY_GIB = 1.5
"""What a training of a small model needs at most, with all that is loaded for it."""

NEEDED: dict[TextClaim, tuple[Role, ...]] = {
    "C3": ("gam", "transformer", "mamba_residual"),
    "C7": ("gam", "sum_fusion", "sum_fusion_wide"),
    "C8": ("gam", "global_only", "local_only"),
    "C9": ("gam", "global_only"),
    "C10": ("gam", "sum_fusion", "global_only", "local_only"),
    "C11": ("gam",),
    "C12": ("gam", "transformer", "mamba_residual"),
}
"""The parts that models play in a claim: GAM always, which has to have learned enough for a valid test."""


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the quickstart, in minutes")
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help="such as C7; without one, all of them")
    args = parser.parse_args()
    if args.quick and args.claims:
        raise UserError("command line: --quick makes all of the quickstart: leave out the names of claims")
    sys.exit(not (quick() if args.quick else small(args.claims)))


def quick() -> bool:
    """Whether the quickstart comes out as it is recorded."""
    with made(QUICK) as workspace:
        params = load_params(workspace / paths.PARAMS)
        return reported(workspace, params, QUICK, PAPER, params.datasets[QUICK].claims, RECORDED)


def small(names: list[str]) -> bool:
    """Whether the small models say of these claims, or of all, what is recorded."""
    params = load_params(HOUSE / paths.PARAMS)
    (dataset,) = params.families[FAMILY].datasets
    claims = chosen(params, dataset, names)
    models = needed(params, claims)
    with only_writer(WORKSPACE.with_suffix(".lock"), f"the reproduction in {WORKSPACE}"):
        fill(WORKSPACE, only_the_family(read_yaml(HOUSE / paths.PARAMS)), HOUSE / paths.PARAMS)
        jobs = at_a_time()
        print(forecast(params, dataset, models, jobs), flush=True)
        run_stages(WORKSPACE, stages(params, dataset, models), jobs)
        run(["pipeline.tables"], WORKSPACE)
        return reported(WORKSPACE, params, dataset, FAMILY, claims, HOUSE)


def reported(
    workspace: Path, params: Params, dataset: str, family: str, claims: Iterable[TextClaim], recorded: Path
) -> bool:
    """Write report.json and print what stands in it. Whether nothing is other than recorded."""
    models: dict[str, list[str]] = {claim: needed_of(params, family, claim) for claim in claims}
    git, here = (read_account(folder, params, dataset, family) for folder in (recorded, workspace))
    report = beside(git, here, models)
    file = workspace / "report.json"
    write_json(file, report.as_json())
    place = os.path.relpath(workspace)
    print(f"\n{report.as_text()}\n\nAll numbers are in {place}/{file.name}, tables in {place}/{paths.PAPER_TABLES}/")
    return report.is_same


def chosen(params: Params, dataset: str, names: list[str]) -> list[TextClaim]:
    """The claims of these names, or all that are judged on the text. Raises UserError for one that is not."""
    asked = params.datasets[dataset].claims
    for name in names:
        if name not in asked:
            raise UserError(
                f"command line: {name} is no claim that the small models answer: they answer {', '.join(asked)}; "
                "times and memory (C1, C2, C5, C6) and TinyStories (C4) are made by `make repro`"
            )
    return [claim for claim in asked if claim in names or not names]


def needed_of(params: Params, family: str, claim: TextClaim) -> list[str]:
    """The models of a family that a claim is judged by. One without residual connections is its Mamba, if need be."""
    playing = {params.models[model].role: model for model in params.families[family].members()}
    if "mamba" in playing:
        playing.setdefault("mamba_residual", playing["mamba"])
    return [playing[role] for role in NEEDED[claim] if role in playing]


def needed(params: Params, claims: list[TextClaim]) -> list[str]:
    """The small models that any of these claims is judged by."""
    return list(dict.fromkeys(model for claim in claims for model in needed_of(params, FAMILY, claim)))


def only_the_family(values: dict[str, Any]) -> dict[str, Any]:
    """params.yaml with no runs but the small family's, on the CPU, as the recorded ones were."""
    none: dict[str, Any] = {"datasets": [], "models": [], "seeds": []}
    families = {FAMILY: values["families"][FAMILY], PAPER: none | {"others": none}}
    return with_overlay(values, {"families": families, "runtime": {"device": "cpu"}})


def at_a_time() -> int:
    """How many trainings at a time: one for each core, as far as there is memory."""
    return max(1, min(cores(), int(psutil.virtual_memory().available / 2**30 / MEMORY_GIB)))


def stages(params: Params, dataset: str, models: list[str]) -> list[str]:
    """The last stages of these models' runs. What they need comes with them."""
    seeds = params.families[FAMILY].seeds
    runs = [f"evaluate_{FAMILY}@{dataset}-{model}-{seed}" for model in models for seed in seeds]
    return [f"ngrams@{dataset}", *runs]


def forecast(params: Params, dataset: str, models: list[str], jobs: int) -> str:
    """How many trainings are still to be made, and how long they took when they were recorded.

    A model's learning rates are tried one after another, and its seeds wait for them.
    """
    trainings, together, in_turn, unknown = 0, 0.0, 0.0, []
    for model in models:
        seeds, trials = still_to_make(params, dataset, model)
        with chdir(HOUSE):
            clocks = read_clocks(params, dataset, model)
        seconds = training_seconds(clocks) / len(clocks) if clocks else 0.0
        trainings += seeds + trials
        together += (seeds + trials) * seconds / jobs
        in_turn = max(in_turn, (trials + math.ceil(seeds / jobs)) * seconds)
        unknown += [model] if seeds and not clocks else []
    if not trainings:
        return "All trainings are made."
    lacking = f"; {', '.join(unknown)} not counted, which nobody has timed" if unknown else ""
    return (
        f"{trainings} trainings of {', '.join(models)}, {jobs} at a time: "
        f"about {rounded(max(together, in_turn))} by the clocks of the recorded runs{lacking}.\n"
        "Ctrl-C loses nothing: the same command goes on."
    )


def still_to_make(params: Params, dataset: str, model: str) -> tuple[int, int]:
    """Seeds, and trials of learning rates; as many of these as were recorded, or as there are at least."""
    seeds = params.families[FAMILY].seeds
    left = sum(read_result(WORKSPACE / paths.clock(dataset, model, seed), Clock) is None for seed in seeds)
    if (WORKSPACE / paths.tuning(dataset, model)).exists():
        return left, 0
    tuned = read_result(HOUSE / paths.tuning(dataset, model), TuningResult)
    return left, len(tuned.trials if tuned else params.tuning.learning_rates)
