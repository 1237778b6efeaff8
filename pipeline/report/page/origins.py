"""Where a reproduced number comes from: what a reader of the report is told of each result file."""

import subprocess
from pathlib import Path
from typing import Any

from pipeline.base import paths
from pipeline.base.files import read_json
from pipeline.base.paths import HOUSE

STAGES = {
    "curves": "train --dataset {0} --model {1} --seed {2}",
    "clocks": "train --dataset {0} --model {1} --seed {2}",
    "metrics": "evaluate --dataset {0} --model {1} --seed {2}",
    "inside": "inside --dataset {0} --model {1} --seed {2}",
    "tuning": "tune --dataset {0} --model {1}",
    "ngrams": "ngrams --dataset {0}",
    "recall": "recall --task {0} --model {1}",
    "flops": "flops",
    "peak": "peak",
    "timing": "timing",
    "scaling": "scaling --model {0}",
}
"""By the folder of results/: the command that made a file, with the parts of its path."""


def origin(file: Path, dates: dict[str, str]) -> dict[str, str]:
    """Words for a reader, by what they say. No number is shown of a result that is not current."""
    stamp: dict[str, Any] = read_json(file)["provenance"]
    packages, code = stamp["packages"], stamp["code"]
    return {
        "file": file.as_posix(),
        "made by": f"python -m pipeline.{command(file)}",
        "code": (code["commit"] or f"sources {code['sha256']}")[:12]
        + ("-dirty" if "dirty" in str(code["commit"]) else ""),
        "device": f"{stamp['device']} ({stamp['device_type']}, {stamp['threads']} threads)",
        "precision": stamp["precision"] or "several",
        "with": f"torch {packages['torch']}, Python {packages['python']}",
        "changed in git": dates.get(file.as_posix(), "not yet"),
        "current": "yes: made with what params.yaml says now",
    }


def command(file: Path) -> str:
    """What made it: `train --dataset stories --model gam --seed 0`."""
    kind, *parts = file.relative_to(paths.RESULTS).with_suffix("").parts
    return STAGES[kind].format(*(part.removeprefix("seed-") for part in parts))


def dates_in_git() -> dict[str, str]:
    """When each result file was last changed, by git; none where git does not know."""
    ask = ["git", "-C", str(HOUSE), "log", "--format=%cs", "--name-only", "--relative", "--", str(paths.RESULTS)]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    dates: dict[str, str] = {}
    date = ""
    for line in filter(None, told.splitlines()):
        if line.startswith(f"{paths.RESULTS}/"):
            dates.setdefault(line, date)
        else:
            date = line
    return dates
