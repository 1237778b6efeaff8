"""docs/scaling-out.md's section "On paper": what was measured, and what follows from it.

`python -m benchmarks.cluster_page` draws it anew from benchmarks/cluster.json and results/.
"""

import json
import re
from statistics import mean
from typing import Any

from benchmarks.paper_grid import MEASURED, Grid, paper_grid
from benchmarks.schedule import NONE, Failures, Job, simulate
from pipeline.base.files import write_text
from pipeline.base.paths import HOUSE
from pipeline.params.schema import load_params
from pipeline.report.published import load_published
from pipeline.training.running import SAVE_EVERY

KEPT = HOUSE / "benchmarks/cluster.json"
PAGE = HOUSE / "docs/scaling-out.md"
SHOWN = re.compile(r"(?s)(<!-- (\w+) -->\n).*?(<!-- end of \2 -->)")
GPU = "nvidia-h100-80gb-hbm3"
PRICE = 3.0
"""US dollars for an hour of a GPU: assumed."""
GPUS = (1, 8, 64)
FAILURES = Failures(hours_between=50.0)
SIMULATIONS = 200
LONGER = 100
"""How many times as long trainings are in the second part of the schedule."""
PARAMETERS = (22.6e6, 1e9, 10e9)
TOKENS = (12.5e6, 1e9, 1e12)
BLOCK = 256


def main() -> None:
    write_page()


def write_page() -> None:
    shown = sections(json.loads(KEPT.read_text(encoding="utf-8")))
    page = PAGE.read_text(encoding="utf-8")
    write_text(PAGE, SHOWN.sub(lambda old: old[1] + shown[old[2]] + old[3], page))


def sections(found: dict[str, Any]) -> dict[str, str]:
    """Markdown by the name of the place on the page."""
    params = load_params(HOUSE / "params.yaml")
    grid = paper_grid(params, load_published(), GPU)
    gam = next(job.seconds for job in grid.jobs if job.name == f"train@{MEASURED}/gam/0")
    tables = {
        "cost": cost(grid),
        "schedule": schedule(grid),
        "slots": slots(found),
        "graphs": graphs(found),
        "written": written(found, params.train.epochs, gam),
        "larger": larger(found),
        "measured": machine(found["provenance"]),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in tables.items()}


def cost(grid: Grid) -> list[str]:
    """Hours of the GPU and what they cost, text by text."""
    lines = [
        f"| text | trainings | operations of all (10^15) | hours of one {grid.device} | US dollars |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for dataset, operations in grid.operations.items():
        count = sum(job.name.startswith(f"train@{dataset}/") for job in grid.jobs)
        lines.append(_cost_row(dataset, count, operations, grid.hours(dataset)))
    return [*lines, _cost_row("all", len(grid.jobs) // 2, sum(grid.operations.values()), grid.hours())]


def _cost_row(name: str, count: int, operations: float, hours: float) -> str:
    return f"| {name} | {count} | {operations / 1e15:,.0f} | {hours:.2f} | {PRICE * hours:.2f} |"


def schedule(grid: Grid) -> list[str]:
    """The grid on one GPU and on many, with and without failures."""
    lines = [
        "| trainings | GPUs | without failures | with failures | failures | work done again |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    longer = [Job(job.name, LONGER * job.seconds, job.needs) for job in grid.jobs]
    for name, jobs in (("as they are", grid.jobs), (f"{LONGER} times as long", longer)):
        for gpus in GPUS:
            tried = [simulate(jobs, gpus, FAILURES, seed) for seed in range(SIMULATIONS)]
            whole, lost = mean(each.makespan for each in tried), mean(each.lost for each in tried)
            cells = [_hours(simulate(jobs, gpus, NONE).makespan), _hours(whole)]
            cells += [f"{mean(each.failures for each in tried):.2f}", f"{lost / 60:.1f} min"]
            lines.append(f"| {name} | {gpus} | {' | '.join(cells)} |")
    return lines


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def slots(found: dict[str, Any]) -> list[str]:
    """Trainings at a time on this machine: simulated from those of one slot, and measured."""
    alone = next(each for each in found["slots"] if each["slots"] == 1)
    trainings = [Job(f"train {n}", seconds) for n, seconds in enumerate(alone["each"])]
    begin = alone["seconds"] - sum(alone["each"])
    lines = [
        f"| trainings at a time, on {found['cores']} cores | measured | simulated |",
        "| ---: | ---: | ---: |",
    ]
    for each in found["slots"]:
        told = begin + simulate(trainings, min(each["slots"], found["cores"])).makespan
        lines.append(f"| {each['slots']} | {each['seconds']:.0f} s | {told:.0f} s |")
    return lines


def graphs(found: dict[str, Any]) -> list[str]:
    """DVC and the launcher, by the number of stages."""
    lines = [
        "| stages | `dvc.lock` | `dvc stage list` | `dvc status` | `dvc repro` | launcher | recording one stage |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in found["graphs"]:
        seconds = [f"{each['seconds'][name]:.1f} s" for name in ("parse", "status", "repro", "launcher", "record")]
        lines.append(f"| {each['stages']:,} | {each['lock_mib']:.2f} MiB | {' | '.join(seconds)} |")
    return lines


def written(found: dict[str, Any], epochs: int, seconds: float) -> list[str]:
    """What trainings write at once, by parameters; one of the paper's has so many epochs and takes so long."""
    kept, each = found["written_mib"]["written"], found["written_mib"]["weights"]
    saves = 2 * epochs
    whole = saves * 12 * PARAMETERS[0] + 4 * PARAMETERS[0]
    return [
        f"One of the eight trainings above, of one epoch, wrote {kept:.1f} MiB to the disk. Its weights are {each:.1f} "
        f"MiB. A training of the paper's size on the H100 makes {saves} saves of {_bytes(12 * PARAMETERS[0])} in "
        f"{seconds:.0f} seconds. {GPUS[-1]} of them at once write {_bytes(GPUS[-1] * whole / seconds)} a second. "
        f"With longer epochs there is a save every {SAVE_EVERY:.0f} seconds:",
        "",
        f"| parameters | a save | weights | written by {GPUS[-1]} runs at once, in each second |",
        "| ---: | ---: | ---: | ---: |",
        *(
            f"| {_short(count)} | {_bytes(12 * count)} | {_bytes(4 * count)} "
            f"| {_bytes(GPUS[-1] * 12 * count / SAVE_EVERY)} |"
            for count in PARAMETERS
        ),
    ]


def machine(stamp: dict[str, Any]) -> list[str]:
    """One line."""
    packages = ", ".join(f"{name} {stamp['packages'][name]}" for name in ("python", "torch"))
    return [f"Measured on {stamp['device']}, {stamp['instructions']}; {packages}."]


def larger(found: dict[str, Any]) -> list[str]:
    """What a run needs with more tokens."""
    rate, hashed = found["tokenise"]["tokens"] / found["tokenise"]["seconds"], found["md5_bytes_per_second"]
    return [
        "| tokens | ids on disk | an epoch's order | tokenised in | hashed in |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {_short(count)} | {_bytes(2 * count)} | {_bytes(8 * count / BLOCK)} | {_long(count / rate)} "
            f"| {_long(2 * count / hashed)} |"
            for count in TOKENS
        ),
    ]


def _short(count: float) -> str:
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return f"{count:g}"


def _bytes(count: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 1e3:.3g} kB"


def _long(seconds: float) -> str:
    for unit, name in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.2g} s"


if __name__ == "__main__":
    main()
