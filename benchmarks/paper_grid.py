"""The paper's grid on a GPU of which some runs are in git: how long each run takes, and how many operations it is.

What was not run is reckoned: see `_clocked` and `_length`.
"""

from dataclasses import dataclass
from statistics import median

from benchmarks.schedule import Job
from pipeline.artifacts.cost_records import FlopCounts, TimingResult
from pipeline.artifacts.current import read_clocks
from pipeline.artifacts.records import Clock
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.params.families import PAPER
from pipeline.params.schema import Params
from pipeline.report.published import Published

MEASURED = "wikitext-2-v1"
"""The text of the runs that are in git."""
LONGER = "tinystories"
OUTSIDE = 20.0
"""Seconds of a run beside what its clock counts: start, saves, hashing. 14 to 19 were seen with `make grid JOBS=1`."""
EVALUATION = 5.0
"""Seconds of an evaluation; 3 were seen."""


@dataclass(frozen=True)
class Grid:
    """All runs of the paper's family."""

    device: str
    jobs: list[Job]
    """Trainings, and the evaluation of each."""
    operations: dict[str, float]
    """By data set, of all its trainings."""

    def hours(self, dataset: str = "") -> float:
        """Of one GPU, for a data set's runs or for all."""
        return sum(job.seconds for job in self.jobs if f"@{dataset}/" in job.name or not dataset) / 3600


def paper_grid(params: Params, published: Published, key: str) -> Grid:
    """On the device whose files have this key."""
    timing, counts = read_result(paths.timing(key), TimingResult), read_result(paths.FLOPS, FlopCounts)
    if timing is None or counts is None:
        raise FileNotFoundError(f"no timing of {key}, or no count of operations")
    device = timing.provenance.device
    family = params.families[PAPER]
    clocks = {model: _on(device, read_clocks(params, MEASURED, model)) for model in family.models}
    jobs, operations = [], dict.fromkeys(family.datasets, 0.0)
    for (dataset, model), seeds in family.seeded().items():
        times = _length(dataset, published)
        seconds = times * _clocked(clocks, model, timing) + OUTSIDE
        operations[dataset] += len(seeds) * times * _tokens(clocks["gam"]) * counts.per_token[dataset][model]
        for seed in seeds:
            run = f"{dataset}/{model}/{seed}"
            jobs.append(Job(f"train@{run}", seconds))
            jobs.append(Job(f"evaluate@{run}", EVALUATION, (f"train@{run}",)))
    return Grid(device, jobs, operations)


def _on(device: str, clocks: list[Clock]) -> list[Clock]:
    return [clock for clock in clocks if clock.provenance.device == device]


def _clocked(clocks: dict[str, list[Clock]], model: str, timing: TimingResult) -> float:
    """Seconds of a training on the measured text. A model that was not run there: GAM's, times what its step takes of
    GAM's; an ablation as long as GAM, of which it is a part.
    """
    if clocks.get(model):
        return median(sum(e.train_seconds + e.validation_seconds for e in clock.epochs) for clock in clocks[model])
    step = median(timing.seconds(model)) / median(timing.seconds("gam")) if model in timing.entries else 1.0
    return step * _clocked(clocks, "gam", timing)


def _length(dataset: str, published: Published) -> float:
    """How many tokens a text has, as a multiple of the measured one. The raw WikiText-2 is taken to have as many;
    TinyStories as many more as the paper's epochs of GAM take longer there.
    """
    if dataset != LONGER:
        return 1.0
    longer, shorter = (published.main[name]["gam"].epoch_seconds for name in (LONGER, "wikitext-2"))
    return longer / shorter


def _tokens(clocks: list[Clock]) -> float:
    """That a training on the measured text learns from."""
    return sum(epoch.tokens_per_second * epoch.train_seconds for epoch in clocks[0].epochs)
