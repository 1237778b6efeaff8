"""`python -m pipeline prune`: remove results, and list them, that params.yaml no longer names.

The tables ignore them anyway; weights in runs/ and saves in work/ go too.
"""

from pathlib import Path

from pipeline.base import paths
from pipeline.params.command_line import read_names
from pipeline.params.recall import TASKS
from pipeline.params.schema import Params


def main() -> None:
    _, params = read_names(__doc__)
    stale = find_stale(params)
    for file in stale:
        print(f"removed {file}")
        file.unlink()
    print(f"{len(stale)} files that params.yaml no longer names" if stale else "nothing to remove")


def find_stale(params: Params) -> list[Path]:
    """Result files and weights of runs, blocks and models that params.yaml no longer names."""
    named = named_files(params)
    of_runs = ("clocks", "curves", "diverged", "inside", "metrics")
    kinds = (*of_runs, "fingerprint", "ngrams", "recall", "scaling", "tuning")
    folders = [*(paths.RESULTS / kind for kind in kinds), paths.RUNS, paths.WORK]
    there = {file for folder in folders for file in folder.rglob("*") if file.is_file() and file.name != ".gitignore"}
    return sorted(file for file in there if not named & {file, *file.parents})


def named_files(params: Params) -> set[Path]:
    """Every file, and every folder, that a stage of the present params.yaml writes into those folders."""
    trained = [(dataset, model, seed) for (dataset, model), seeds in params.runs().items() for seed in seeds]
    results = (paths.curve, paths.diverged, paths.clock, paths.metrics, paths.inside)
    named = {path(*run) for run in trained for path in (*results, paths.weights, paths.work, paths.lock)}
    for run in params.tuned():
        named |= {paths.tuning(*run), paths.work(*run, params.tuning.seed), paths.lock(*run, params.tuning.seed)}
    named |= {paths.ngrams(dataset) for dataset, _, _ in trained}
    named |= {paths.SCALINGS / model for model in params.scaling.models}
    named |= {paths.TIMING_WORK, paths.GPU_WORK, paths.TRACKED}
    for model in params.models:
        of_code = (paths.training_fingerprint, paths.evaluation_fingerprint, paths.inside_fingerprint)
        named |= {path(model) for path in of_code}
    named.add(paths.TASKS_FINGERPRINT)
    for task in TASKS:
        for model in params.recall.models_of(task):
            named |= {path(task, model) for path in (paths.recall, paths.recall_work, paths.recall_lock)}
    return named
