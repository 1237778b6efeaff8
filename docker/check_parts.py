"""What docker/check.sh does in Python: a training to stop and to go on with, and a comparison of losses.

prepare            makes stopped/, ready for a training of some seconds, and whole/, where it has run undisturbed
same               both must have ended with the same bytes
compare ONE OTHER  compares the learning curves in two folders; they must agree in every loss
"""

import json
import shutil
import sys
from pathlib import Path

from pipeline.base import paths
from pipeline.commands.quickstart import merge
from tests.acceptance.workspaces import dvc, make_workspace
from tests.conftest import tiny_params

STAGE = "train@stories-gam-0"
STOPPED, WHOLE = Path("stopped"), Path("whole")
OUTPUTS = (paths.weights("stories", "gam", 0), paths.curve("stories", "gam", 0))


def make_folders() -> None:
    make_workspace(STOPPED, merge(tiny_params(), {"train": {"epochs": 60}}))
    dvc(STOPPED, "repro", "tokenise@stories", "fingerprint@gam")
    shutil.copytree(STOPPED, WHOLE, symlinks=True)
    dvc(WHOLE, "repro", STAGE)


def same() -> None:
    for name in OUTPUTS:
        if (STOPPED / name).read_bytes() != (WHOLE / name).read_bytes():
            sys.exit(f"{name} differs from that of the undisturbed run")
    print("the same weights and curve as the undisturbed run, byte for byte")


def losses(folder: Path) -> dict[tuple[str, int, str], float]:
    """Train and validation loss by run and epoch."""
    return {
        (file.relative_to(folder).as_posix(), epoch["epoch"], kind): epoch[kind]
        for file in folder.rglob("seed-*.json")
        for epoch in json.loads(file.read_text(encoding="utf-8"))["epochs"]
        for kind in ("train_loss", "validation_loss")
    }


def compare(one: Path, other: Path) -> None:
    mine, theirs = losses(one), losses(other)
    if not mine or mine.keys() != theirs.keys():
        sys.exit(f"{one} and {other} do not hold the same runs: {len(mine)} and {len(theirs)} losses")
    apart = {key: abs(mine[key] - theirs[key]) for key in mine if mine[key] != theirs[key]}
    print(f"{len(mine)} losses of {len({run for run, _, _ in mine})} runs compared, {len(apart)} differ")
    if apart:
        worst = max(apart, key=apart.__getitem__)
        sys.exit(f"largest difference {apart[worst]:.3g} nats, at {worst}")


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "compare":
        compare(*map(Path, given))
    else:
        {"prepare": make_folders, "same": same}[what]()
