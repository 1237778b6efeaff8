"""`python -m pipeline quickstart`: the same graph with small parameters, in a scratch copy under .quickstart/.

The copy has params.yaml merged with an overlay of pipeline/commands/overlays/. A second call reruns what changed since.
"""

import argparse
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.base import paths
from pipeline.base.errors import UserError, require_one_of
from pipeline.base.files import replacing
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE, MIRROR
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
    workspace = HOUSE / ".quickstart" / overlay
    with only_writer(workspace.with_suffix(".lock"), f"the quickstart in {workspace}"):
        prepare(workspace, OVERLAYS / f"{overlay}.yaml")
        environment = dvc_environment()
        if not (workspace / ".dvc").exists():
            dvc(["init", "--quiet", "--no-scm"], workspace, environment)
        dvc(["repro"], workspace, environment)
    print("\n" + for_terminal((workspace / paths.PAPER_TABLES / "main.md").read_text(encoding="utf-8")))
    here = os.path.relpath(workspace)
    print(
        f"Tables: {here}/{paths.PAPER_TABLES}/   results: {here}/{paths.RESULTS}/   parameters: {here}/{paths.PARAMS}"
    )
    print(f"To go on from here: edit {here}/{paths.PARAMS}, then run `dvc repro` in that folder; the next quickstart")
    print(f"starts from {paths.PARAMS} and its overlay again.")


def prepare(workspace: Path, overlay: Path) -> None:
    """Copy code and graph into the workspace, and write its params.yaml; data, runs and results there stay."""
    workspace.mkdir(parents=True, exist_ok=True)
    base = HOUSE / paths.PARAMS
    load_params(base)
    with replacing(workspace / paths.PARAMS) as temporary:
        merged = with_overlay(read_yaml(base), read_yaml(overlay))
        params = validate_params(merged, overlay)
        with temporary.open("w", encoding="utf-8") as file:
            YAML().dump(only_what_runs(merged, params), file)
    for package in ("gam", "pipeline"):
        shutil.rmtree(workspace / package, ignore_errors=True)
        shutil.copytree(HOUSE / package, workspace / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copyfile(HOUSE / name, workspace / name)


def with_overlay(base: Any, overlay: Any) -> Any:
    """`overlay` on top of `base`; a family that the overlay does not name runs nothing."""
    nothing: dict[str, list[Any]] = {"datasets": [], "models": [], "seeds": []}
    families = dict.fromkeys(base["families"], nothing) | {PAPER: base["families"][PAPER]}
    return merge(base | {"families": families}, overlay)


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


def dvc(arguments: list[str], workspace: Path, environment: dict[str, str]) -> None:
    """Run DVC in the workspace. Raises UserError where it fails: it has said why by then."""
    command = [sys.executable, "-m", "dvc", *arguments]
    if subprocess.run(command, cwd=workspace, env=environment, check=False).returncode:
        raise UserError(f"`dvc {arguments[0]}` stopped in {workspace}: mend what it names above and call again")


def for_terminal(markdown: str) -> str:
    """A table of paper_tables/ laid out for a terminal: headers wrapped to the width of what stands below them."""
    title, *lines = markdown.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    header, _rule, *rows = cells
    widths = [
        max(len(word) for word in [*title_.split(), *column]) for title_, *column in zip(header, *rows, strict=True)
    ]
    wrapped = [textwrap.wrap(text, width) for text, width in zip(header, widths, strict=True)]
    height = max(map(len, wrapped))
    head = [[""] * (height - len(parts)) + parts for parts in wrapped]
    out = [list(line) for line in zip(*head, strict=True)] + [["-" * width for width in widths]] + rows
    aligned = [
        "  ".join(c.ljust(w) if at < 2 else c.rjust(w) for at, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in out
    ]
    notes = [line for line in lines if line.startswith("- ")]
    return "\n".join([title.lstrip("# "), "", *(line.rstrip() for line in aligned), "", *notes, ""])
