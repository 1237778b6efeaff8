"""`python -m pipeline verify`: train one finished run again, and see whether it comes out as it is recorded.

On a processor with the instructions of the recorded run, with the same torch and the same code, the same bytes must
come back. Else the last bits may differ, and a training makes them grow: there the loss must come back, as far as two
seeds of that model lie apart. Which run is drawn by lot, from the models of one family, or named. It is trained in a
scratch copy, .quickstart/verify; nothing recorded is touched. Ends with 1 where it does not come back.
"""

import argparse
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path
from statistics import variance

from scipy.stats import t

from pipeline.artifacts.records import Curve
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import dvc_environment
from pipeline.params.command_line import OneLineParser
from pipeline.params.schema import Params, load_params

SCRATCH = HOUSE / ".quickstart" / "verify"
ERRS = 0.01
"""How often it may be said that a run did not come back, where its last bits alone are others."""
COMPUTES = ("gam", "pipeline/train.py", "pipeline/training", "pipeline/machine", "pipeline/data")
"""The code that a training runs. A faster way to compute the same may round otherwise, and reruns nothing."""
SAME_BYTES = "the same bytes"
Run = tuple[str, str, int]
"""Text, model, seed."""


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="small", help="whose runs the lot is drawn from")
    parser.add_argument("--run", nargs=3, metavar=("DATASET", "MODEL", "SEED"), help="in place of the lot")
    args = parser.parse_args()
    params = load_params()
    run = named(params, args.run) if args.run else by_lot(params, args.family)
    print(f"trains again: {told(run)}", flush=True)
    with only_writer(SCRATCH.with_suffix(".lock"), f"the verification in {SCRATCH}"):
        recorded, again = read(run), trained_again(run)
    comes_back, line = compared(recorded, again, allowed([others(params, run)]))
    print(f"{told(run)}: {line}")
    sys.exit(not comes_back)


def told(run: Run) -> str:
    return "{} {} seed {}".format(*run)


def named(params: Params, words: list[str]) -> Run:
    """The run of these words. Raises UserError where it is not recorded."""
    dataset, model, seed = words
    run = dataset, model, int(seed) if seed.isdigit() else -1
    if run not in recorded_runs(params, None):
        raise UserError(f"command line: {' '.join(words)} is no recorded run of params.yaml: results/curves has them")
    return run


def by_lot(params: Params, family: str) -> Run:
    """One of the recorded runs of a family."""
    if family not in params.families:
        raise UserError(f"command line: --family must be one of {', '.join(params.families)}, got {family!r}")
    runs = recorded_runs(params, family)
    if not runs:
        raise UserError(f"results/curves has no run of the family {family}")
    return random.choice(runs)


def recorded_runs(params: Params, family: str | None) -> list[Run]:
    """Of one family, or of all."""
    found = params.families[family].seeded() if family else params.runs()
    runs = [(dataset, model, seed) for (dataset, model), seeds in found.items() for seed in seeds]
    return [run for run in runs if paths.curve(*run).exists()]


def read(run: Run) -> Curve:
    curve = read_result(paths.curve(*run), Curve)
    if curve is None:
        raise UserError(f"{paths.curve(*run)} is missing")
    return curve


def others(params: Params, run: Run) -> list[float]:
    """The last losses of all recorded seeds of the same model on the same text."""
    dataset, model, _ = run
    runs = [each for each in recorded_runs(params, None) if each[:2] == (dataset, model)]
    return [read(each).epochs[-1].validation_loss for each in runs]


def trained_again(run: Run) -> Curve:
    """Its curve, from a scratch copy of the code and of all that the run depends on."""
    dataset, model, seed = run
    shutil.rmtree(SCRATCH, ignore_errors=True)
    tokens = paths.tokens(dataset)
    where_there = (tokens, paths.training_fingerprint(model), paths.tuning(dataset, model))
    for path in [paths.PARAMS, Path("gam"), Path("pipeline"), *filter(Path.exists, where_there)]:
        (SCRATCH / path).parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, SCRATCH / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(path, SCRATCH / path)
    if not tokens.exists():
        for stage in ("fetch", "tokenise"):
            call(f"pipeline.{stage}", "--dataset", dataset)
    call("pipeline.train", "--dataset", dataset, "--model", model, "--seed", str(seed))
    curve = read_result(SCRATCH / paths.curve(*run), Curve)
    assert curve is not None
    return curve


def call(*command: str) -> None:
    """`python -m` in the scratch copy. Ends this process as that one ended, where it failed."""
    code = subprocess.run([sys.executable, "-m", *command], cwd=SCRATCH, env=dvc_environment(), check=False).returncode
    if code:
        sys.exit(code)


def allowed(losses: Collection[list[float]], runs: int = 1) -> float | None:
    """How far a loss may lie from the recorded one where other last bits are no wonder. None without two seeds.

    `losses`: of the recorded seeds, a list for each model. Other last bits grow, at worst to what another seed would
    do. So far two seeds of one model lie apart, their spread taken over all models, that of so many runs one lies
    further in ERRS of all cases.
    """
    degrees = sum(len(seeds) - 1 for seeds in losses)
    if not degrees:
        return None
    squares = sum((len(seeds) - 1) * variance(seeds) for seeds in losses if len(seeds) > 1)
    return float(t.ppf(1 - ERRS / 2 / runs, degrees)) * math.sqrt(2 * squares / degrees)


def compared(recorded: Curve, again: Curve, allowed: float | None) -> tuple[bool, str]:
    """Whether a run came back, and one line that says so.

    `allowed`: how far apart losses may lie where other bits are no wonder; None where too few seeds are recorded.
    """
    if recorded.weights == again.weights and recorded.epochs == again.epochs:
        return True, SAME_BYTES
    ours, theirs = again.epochs[-1].validation_loss, recorded.epochs[-1].validation_loss
    line = f"validation loss {ours:.4f}, recorded {theirs:.4f}"
    differences = made_otherwise(recorded, again)
    if not differences:
        return False, f"other bytes on the same instructions, torch and code: {line}"
    line += f"; {', '.join(differences)}"
    if allowed is None:
        return False, f"{line}; with one seed nothing says how far losses may lie apart"
    if abs(ours - theirs) <= allowed:
        return True, f"the same up to rounding: {line}; up to {allowed:.4f} nats apart is allowed"
    return False, f"not the same: {line}; more than {allowed:.4f} nats apart"


def made_otherwise(recorded: Curve, again: Curve) -> list[str]:
    """What may change the last bits."""
    one, other = recorded.provenance, again.provenance
    pairs = {
        "instructions": (one.instructions or one.device, other.instructions or other.device),
        "torch": (one.packages["torch"], other.packages["torch"]),
        "threads": (one.threads, other.threads),
        "processes": (one.world_size, other.world_size),
    }
    found = [f"{what} {now}, recorded {then}" for what, (then, now) in pairs.items() if then != now]
    commits = dict.fromkeys(stamp.code.commit for stamp in recorded.made_by if stamp.code.commit)
    return found + [f"code changed since {commit[:7]}" for commit in commits if changed_since(commit)]


@cache
def changed_since(commit: str) -> bool:
    """Whether the code that a training runs is other than at a commit, or git cannot tell."""
    command = ["git", "-C", str(HOUSE), "diff", "--quiet", commit, "--", *COMPUTES]
    try:  # a commit that ends with -dirty is not there
        return subprocess.run(command, capture_output=True, check=False).returncode != 0
    except OSError:
        return True
