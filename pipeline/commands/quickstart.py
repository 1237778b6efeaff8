"""`python -m pipeline quickstart`: the same graph with small parameters, in a scratch copy under .quickstart/.

The copy has params.yaml merged with an overlay of pipeline/commands/overlays/. A second call reruns what changed since.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.base.errors import UserError, require_one_of
from pipeline.base.files import replacing
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE, MIRROR
from pipeline.commands.outcome import outcome
from pipeline.params.command_line import OneLineParser
from pipeline.params.families import PAPER
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params, load_params, validate_params

OVERLAYS = Path(__file__).with_name("overlays")


def main() -> None:
    names = sorted(file.stem for file in OVERLAYS.glob("*.yaml"))
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--overlay", default="stories", help=f"one of {', '.join(names)}")
    overlay = parser.parse_args().overlay
    require_one_of("overlay", overlay, names, "pipeline/commands/overlays")
    with made(overlay) as workspace:
        print("\n" + outcome(workspace))


@contextmanager
def made(overlay: str) -> Iterator[Path]:
    """Run what is missing of it, and give the workspace, in which no other process writes meanwhile."""
    workspace = HOUSE / ".quickstart" / overlay
    with only_writer(workspace.with_suffix(".lock"), f"the quickstart in {workspace}"):
        prepare(workspace, OVERLAYS / f"{overlay}.yaml")
        run_stages(workspace, [], cores())
        yield workspace


def cores() -> int:
    """How many processors this process may use: one small model keeps one busy."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(workspace: Path, overlay: Path) -> None:
    """A workspace for params.yaml with an overlay on top; data, runs and results there stay."""
    base = HOUSE / paths.PARAMS
    load_params(base)
    fill(workspace, with_overlay(read_yaml(base), read_yaml(overlay)), overlay)


def fill(workspace: Path, values: dict[str, Any], source: Path) -> None:
    """Copy code and graph into the workspace, and write its params.yaml: these values, whose mistakes are `source`'s.

    Data, runs and results that are there stay.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    params = validate_params(values, source)
    with replacing(workspace / paths.PARAMS) as temporary, temporary.open("w", encoding="utf-8") as file:
        YAML().dump(only_what_runs(values, params), file)
    for package in ("gam", "pipeline"):
        shutil.rmtree(workspace / package, ignore_errors=True)
        shutil.copytree(HOUSE / package, workspace / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copyfile(HOUSE / name, workspace / name)
    rule = Path("docs", "statistics.md")  # the findings that are made there link to it
    (workspace / rule).parent.mkdir(exist_ok=True)
    shutil.copyfile(HOUSE / rule, workspace / rule)


def with_overlay(base: Any, overlay: Any) -> Any:
    """`overlay` on top of `base`; a family that the overlay does not name runs nothing."""
    families = {name: _without_runs(family) for name, family in base["families"].items()}
    return merge(base | {"families": families | {PAPER: base["families"][PAPER]}}, overlay)


def _without_runs(family: dict[str, Any]) -> dict[str, Any]:
    """A family that names no runs; dvc.yaml asks for its lists all the same."""
    nothing: dict[str, Any] = {"datasets": [], "models": [], "seeds": []}
    return nothing | ({"others": nothing} if "others" in family else {})


def merge(base: Any, overlay: Any) -> Any:
    """`overlay` on top of `base`: mappings are merged key by key, all else is replaced."""
    if not (isinstance(base, dict) and isinstance(overlay, dict)):
        return overlay
    return base | {key: merge(base.get(key), value) for key, value in overlay.items()}


def only_what_runs(values: dict[str, Any], params: Params) -> dict[str, Any]:
    """`values`, read as `params`, without the texts and models that no run needs."""
    used = params.used_models()
    texts = {dataset for dataset, _ in params.runs()}
    return values | {
        "models": {name: entry for name, entry in values["models"].items() if name in used},
        "datasets": {name: entry for name, entry in values["datasets"].items() if name in texts},
    }


def dvc_environment() -> dict[str, str]:
    """The environment for DVC in another folder: this Python first on PATH, the mirror's path absolute."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment["DVC_NO_ANALYTICS"] = "1"
    if mirror := environment.get(MIRROR):
        environment[MIRROR] = str(Path(mirror).absolute())
    return environment


def run_stages(workspace: Path, names: list[str], jobs: int) -> None:
    """What is out of date of the stages of these names, and of all that they need; without names, of all stages."""
    if not (workspace / ".dvc").exists():
        run(["dvc", "init", "--quiet", "--no-scm"], workspace)
    run(["pipeline", "grid", "--jobs", str(jobs), *names], workspace)


def run(command: list[str], workspace: Path) -> None:
    """Run a module of this Python in the workspace, and pass on what stops us. Raises UserError where it fails."""
    stopped_by: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        process.send_signal(number)

    # In a session of its own, so that Ctrl-C reaches it once.
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=workspace, env=dvc_environment(), start_new_session=True
    )
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    code = process.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    if stopped_by:
        sys.exit(128 + stopped_by[0])
    if code:
        raise UserError(f"`{' '.join(command)}` stopped in {workspace}: mend what it names above and call again")
