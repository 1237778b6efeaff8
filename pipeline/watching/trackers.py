"""The trackers, one small class each: TensorBoard, DVCLive, Weights & Biases, Trackio.

Each object is one training in the tracker's books, in a folder of that tracker. It goes on with what is there.
"""

import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from contextvars import Context
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Protocol

from pipeline.base.errors import UserError, require_one_of

PROJECT = "gam"


class Tracker(Protocol):
    """One training in a tracker's books."""

    look: str
    """How a person sees them, with the tracker's folder to be filled in."""

    def __init__(self, key: str, folder: Path) -> None: ...

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name, as they are after a step."""

    def end(self) -> None:
        """Nothing more will come for now."""


class TensorBoard:
    look = "tensorboard --logdir {folder}"

    def __init__(self, key: str, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(folder / key)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def end(self) -> None:
        self.writer.close()


class DVCLive:
    look = "{folder} has a report.html for each training"

    def __init__(self, key: str, folder: Path) -> None:
        from dvclive.live import Live

        # No experiment in git, and no dvc.yaml, which DVC would take for stages.
        self.live = Live(str(folder / key), resume=True, report="html", save_dvc_exp=False, dvcyaml=None)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.live.step = step
        for name, value in values.items():
            self.live.log_metric(name, value)

    def end(self) -> None:
        self.live.end()


class WandB:
    look = "wandb sync {folder}/wandb/offline-run-* sends to an account what was logged without one"

    def __init__(self, key: str, folder: Path) -> None:
        os.environ.setdefault("WANDB_SILENT", "true")
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        has_account = wandb.login(prompt=False, verify=False)
        self.run = wandb.init(
            project=PROJECT,
            id=key.replace("/", "-"),
            name=key,
            dir=folder,
            mode=None if has_account else "offline",
            resume="allow" if has_account else None,
            reinit="create_new",
            settings=wandb.Settings(console="off", x_disable_stats=True),
        )
        self.run.define_metric("*", step_metric="step")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log({**values, "step": step})

    def end(self) -> None:
        self.run.finish()


class Trackio:
    look = "TRACKIO_DIR={folder} trackio show --project " + PROJECT

    def __init__(self, key: str, folder: Path) -> None:
        os.environ.setdefault("TRACKIO_DIR", str(folder.absolute()))
        import trackio

        with redirect_stdout(StringIO()):
            # In a context of its own: the next one would end the run that it finds in the same.
            self.run = Context().run(
                trackio.init,
                PROJECT,
                name=key,
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def end(self) -> None:
        with redirect_stdout(StringIO()):
            self.run.finish()


TRACKERS: dict[str, type[Tracker]] = {
    "tensorboard": TensorBoard,
    "dvclive": DVCLive,
    "wandb": WandB,
    "trackio": Trackio,
}
"""By the name of their package, which is that of the extra, too."""


def tracker_named(name: str) -> type[Tracker]:
    """Raises UserError for a name that is none, and for a package that is not there."""
    require_one_of("tracker", name, TRACKERS, "make watch TRACKER=")
    if find_spec(name) is None:
        # Trackio wants an older pillow than is pinned.
        pins = "" if name == "trackio" else "--constraint constraints.txt "
        raise UserError(f"{name} is not installed: pip install {pins}--editable '.[{name}]'")
    return TRACKERS[name]
