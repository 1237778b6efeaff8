"""What the launcher, DVC and a training ask of a machine: the measurements that docs/scaling-out.md reckons with.

`python -m benchmarks.cluster` takes a quarter of an hour on two idle cores. It writes benchmarks/cluster.json, and the
page.
"""

import hashlib
import re
import resource
import time
from typing import Any

import numpy as np
from dvc.repo import Repo
from dvc.stage import PipelineStage

from benchmarks.cluster_page import KEPT, write_page
from benchmarks.stages import DATASET, one_model, recorded_copy, run, scratch_copy
from pipeline.artifacts.provenance import provenance
from pipeline.base import paths
from pipeline.base.files import write_json
from pipeline.commands.quickstart import cores, merge
from pipeline.machine.setup import start
from pipeline.params.families import PAPER
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params

SLOTS = (1, 2, 4)
TRAININGS = 8
SEEDS = (5, 9, 56)
"""Of the paper's family: with 9 the graph has some 600 stages, with 56 some 2,000."""
GAM = {"n_layer": 2}
STORIES = {"rows": {"train": 60, "validation": 5, "test": 5}, "vocab_size": 150, "block_size": 256}
TRAIN = {"epochs": 1, "batch_size": 8}
COMMANDS = {
    "parse": ("dvc", "stage", "list", "--name-only"),
    "status": ("dvc", "status"),
    "repro": ("dvc", "repro"),
    "launcher": ("pipeline", "grid", "--jobs", "1"),
}
"""On a graph with nothing to do."""
ENDED = re.compile(r"^\[\d+ of \d+\] train stories gam seed \d+: (\d+) s", re.MULTILINE)


def main() -> None:
    params = load_params()
    stamp = provenance(start(params.runtime), None)
    found: dict[str, Any] = {"provenance": stamp.model_dump(mode="json"), "cores": cores()}
    found["slots"] = [slots(count) for count in SLOTS]
    print(found["slots"], flush=True)
    found["written_mib"] = written()
    print(found["written_mib"], flush=True)
    found |= {"tokenise": tokenised(), "md5_bytes_per_second": hashed()}
    found["graphs"] = []
    for seeds in SEEDS:
        found["graphs"].append(graph(seeds))
        print(found["graphs"][-1], flush=True)
    write_json(KEPT, found)
    write_page()


def settings() -> dict[str, Any]:
    """What differs from params.yaml: eight trainings that are alike."""
    changes = one_model(range(TRAININGS), GAM, STORIES, TRAIN)
    del changes["timing"], changes["scaling"]  # dvc.yaml names their models
    return {"runtime": {"threads": 1}} | changes


def slots(count: int) -> dict[str, Any]:
    """The same trainings by `make grid`, so many at a time: seconds of each, of all, and of a call with no work."""
    with scratch_copy(**settings()) as house:
        run(house, "dvc", "init", "--quiet", "--no-scm")
        run(house, "pipeline", "grid", "--jobs", "1", "tokenise", "fingerprint")
        command = ("pipeline", "grid", "--jobs", str(count), "train")
        seconds, output = run(house, *command)
        idle, _ = run(house, *command)
    each = [int(ended) for ended in ENDED.findall(output)]
    if len(each) != TRAININGS:
        raise RuntimeError(f"{len(each)} of {TRAININGS} trainings were made: {output}")
    return {"slots": count, "seconds": seconds, "idle_seconds": idle, "each": each}


def written() -> dict[str, float]:
    """MiB that one of these trainings writes to the disk, and that its files hold when it has ended."""
    with scratch_copy(**settings()) as house:
        for stage in ("fetch", "tokenise"):
            run(house, f"pipeline.{stage}", "--dataset", "stories")
        run(house, "pipeline.fingerprint", "--model", "gam")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
        run(house, "pipeline.train", "--dataset", "stories", "--model", "gam", "--seed", "0")
        blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - before
        (weights,) = (house / paths.RUNS).rglob("*.safetensors")
        return {"written": blocks * 512 / 2**20, "weights": weights.stat().st_size / 2**20}


def tokenised() -> dict[str, float]:
    """Seconds of the stage `tokenise` on WikiText-2 (v1), and the tokens that it makes.

    It comes from the mirror or the Hub.
    """
    with scratch_copy() as house:
        run(house, "pipeline.fetch", "--dataset", DATASET)
        seconds, _ = run(house, "pipeline.tokenise", "--dataset", DATASET)
        ids = sum(file.stat().st_size for file in (house / paths.tokens(DATASET)).glob("*.ids"))
        return {"seconds": seconds, "tokens": ids / np.dtype(np.uint16).itemsize}


def hashed() -> float:
    """Bytes of which DVC's hash is made in a second."""
    data = bytes(2**28)
    started = time.perf_counter()
    hashlib.md5(data, usedforsecurity=False)
    return len(data) / (time.perf_counter() - started)


def graph(seeds: int) -> dict[str, Any]:
    """DVC and the launcher on a graph with nothing to do: stages, seconds of each command, size of dvc.lock."""
    families = read_yaml(paths.PARAMS)["families"]
    more = {"seeds": list(range(seeds)), "others": {"seeds": list(range(seeds))}}
    with recorded_copy(families=merge(families, {PAPER: more})) as house:
        seconds = {name: run(house, *command)[0] for name, command in COMMANDS.items()}
        lock = (house / "dvc.lock").stat().st_size / 2**20
        with Repo(house) as repo:
            stages = repo.index.stages
            one = next(stage for stage in stages if isinstance(stage, PipelineStage) and stage.name.startswith("train"))
            started = time.perf_counter()
            with repo.lock:
                one.dump(update_pipeline=False)
            seconds["record"] = time.perf_counter() - started
        return {"stages": len(stages), "lock_mib": lock, "seconds": seconds}


if __name__ == "__main__":
    main()
