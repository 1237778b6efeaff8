"""Commands as a user runs them, at the size of the paper's grid: what the clock says from start to end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvc.repo import Repo

from pipeline.base import paths
from pipeline.base.files import write_text
from pipeline.base.paths import MIRROR
from pipeline.commands.quickstart import dvc_environment, prepare
from pipeline.params.schema import Params, load_params
from tests.made_up import write_ngrams, write_run
from tests.made_up_costs import scaling_point, write_scaling, write_timing

ROUNDS = 5
DATASET = "wikitext-2-v1"


def time_tokenisation() -> list[float] | None:
    """Seconds of the stage `tokenise` on WikiText-2 (v1), by round; None where the mirror does not have it."""
    if not Path(os.environ.get(MIRROR, "nowhere"), DATASET).is_dir():
        return None
    with scratch_copy() as house:
        run(house, "pipeline.fetch", "--dataset", DATASET)
        return [run(house, "pipeline.tokenise", "--dataset", DATASET)[0] for _ in range(ROUNDS)]


def time_tables() -> list[float]:
    """Seconds of the stage `tables` with a result for every run of params.yaml, by round.

    Raises RuntimeError where the tables lack one of them.
    """
    with scratch_copy() as house:
        with chdir(house):
            make_up_results(load_params())
        seconds = [run(house, "pipeline.tables")[0] for _ in range(ROUNDS)]
        for name in ("main", "ablation", "timing"):
            if "not run" in (house / paths.PAPER_TABLES / f"{name}.md").read_text(encoding="utf-8"):
                raise RuntimeError(f"the table {name} lacks a run")
        return seconds


def time_nothing_to_do(**changes: Any) -> list[float]:
    """Seconds of `dvc repro` where every output of the graph is there and recorded, by round.

    `changes` are those to params.yaml. Raises RuntimeError where DVC runs a stage all the same.
    """
    with recorded_copy(**changes) as house:
        rounds = [run(house, "dvc", "repro") for _ in range(ROUNDS)]
    if any("Running stage" in output for _, output in rounds):
        raise RuntimeError("`dvc repro` ran a stage with nothing to do")
    return [seconds for seconds, _ in rounds]


@contextmanager
def recorded_copy(**changes: Any) -> Iterator[Path]:
    """A scratch copy in which every output of the graph is there and recorded."""
    with scratch_copy(**changes) as house:
        run(house, "dvc", "init", "--quiet", "--no-scm")
        with Repo(house) as repo:
            for out in repo.index.outs:
                make_up_output(Path(out.fs_path))
        run(house, "dvc", "commit", "--quiet", "--force")
        yield house


def one_model(seeds: range, entry: dict[str, Any], text: dict[str, Any], train: dict[str, Any]) -> dict[str, Any]:
    """What params.yaml has to say for trainings of a GAM on generated stories, and nothing else."""
    nothing: dict[str, Any] = {"datasets": [], "models": [], "seeds": []}
    runs = {"datasets": ["stories"], "models": ["gam"], "seeds": list(seeds), "others": nothing}
    stories = {"origin": {"generator_seed": 0}, "sha256": {}, "claims": []}
    return {
        "families": {"paper": runs},
        "datasets": {"stories": stories | text},
        "models": {"gam": entry},
        "train": train,
        "timing": {"models": ["gam"]},
        "scaling": {"models": ["gam"]},
        "recall": {"models": [], "facts_models": []},
    }


@contextmanager
def scratch_copy(**changes: Any) -> Iterator[Path]:
    """Code, graph and parameters, with these changes, in a folder of their own; no data, runs or results."""
    with TemporaryDirectory() as name:
        house, overlay = Path(name, "house"), Path(name, "overlay.yaml")
        overlay.write_text(json.dumps(changes))
        prepare(house, overlay)
        yield house


def run(house: Path, module: str, *arguments: str) -> tuple[float, str]:
    """Seconds and output of `python -m module`. Raises RuntimeError with the output where it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=house, env=dvc_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stdout}")
    return seconds, done.stdout


def make_up_results(params: Params) -> None:
    """A result of every kind for everything that params.yaml names."""
    for model in params.models:
        write_text(paths.training_fingerprint(model), f"made up for {model}\n")
    for (dataset, model), seeds in params.runs().items():
        for seed in seeds:
            write_run(model, seed, [8 - epoch / 10 for epoch in range(params.train.epochs)], dataset)
    for dataset in params.datasets:
        write_ngrams(6.5, 5.0, dataset, trigram=4.5)
    write_timing(**dict.fromkeys(params.timing.models, 1.0))
    for model in params.scaling.models:
        points = [scaling_point(length, length / 100, length / 10) for length in params.scaling.cpu.lengths]
        write_scaling(model, points)


def make_up_output(path: Path) -> None:
    """A file, or where the name has no suffix a folder with one: the graph has no output of another kind."""
    file = path if path.suffix else path / "file"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"made up for {path.name}\n")
