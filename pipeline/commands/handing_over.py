"""A stage that runs on a node: in a folder of its own, from which it hands over whole files.

    work/slurm/STAGE-KEY/
        made/          where it runs: what it reads is linked, what it wrote before is copied, work/ is the repository's
        ended.json     written last: its exit code, and the SHA-256 of each file that it hands over

Until ended.json is there, another attempt goes on in the same folder: nothing that was finished is made again. From
then on none writes there. The repository itself, and DVC, are left to the launcher.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import TEMPORARY, read_json, replacing, replacing_folder, write_json
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE

ENDED = "ended.json"
TOLD_TO_STOP = (128 + signal.SIGTERM, -signal.SIGTERM)
"""Exit codes of a stage that Slurm ended, and that is to go on."""


@dataclass(frozen=True)
class Ended:
    """The word that a stage on a node leaves."""

    exit_code: int
    seconds: float
    files: dict[str, str]
    """The SHA-256 of each."""


@dataclass
class Task:
    """All that a node has to know of a stage. submitit calls it there, and `checkpoint` when the time is up."""

    name: str
    command: list[str]
    reads: list[str]
    writes: list[str]
    """Both files and folders, relative to the repository."""
    house: Path
    folder: Path
    code: str
    """The launcher's `code_sha256`."""
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def made(self) -> Path:
        return self.folder / "made"

    def __call__(self) -> None:
        """Run the stage, and say how it ended, unless it is to go on elsewhere."""
        if code_sha256() != self.code:
            print("refused: the code here is not the launcher's: call the launcher again", file=sys.stderr)
            sys.exit(2)
        with only_writer(self.folder / "lock", self.name):
            if self.ended() is not None:
                return
            self.prepare()
            begun = time.monotonic()
            # Deaf to the signal that says that the time is up: that is for submitit, which calls `checkpoint`.
            self.process = subprocess.Popen(
                self.command, cwd=self.made, env=self.environment(), preexec_fn=_ignore_usr2
            )
            code = self.process.wait()
            if code in TOLD_TO_STOP:
                sys.exit(128 + signal.SIGTERM)
            files = self.hashes() if code == 0 else {}
            write_json(self.folder / ENDED, vars(Ended(code, time.monotonic() - begun, files)))

    def checkpoint(self) -> Any:
        """Have the stage save itself, and tell submitit what to do when the job begins anew: the same."""
        from submitit.helpers import DelayedSubmission

        if self.process is not None:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.process.pid, signal.SIGTERM)
                os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)  # which leaves it to `wait` above
        return DelayedSubmission(replace(self))

    def environment(self) -> dict[str, str]:
        """Modules come from the repository, and not from the links in the folder where the stage runs."""
        path = os.pathsep.join(filter(None, [str(self.house), os.environ.get("PYTHONPATH")]))
        return os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}

    def prepare(self) -> None:
        """Lay out the folder; what an earlier attempt left there stays."""
        for path in sorted([*self.reads, str(paths.PARAMS), str(paths.WORK)]):
            link = self.made / path
            if (self.house / path).exists() and not link.exists():  # nor lies in a folder that is a link
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self.house / path)
        for path in self.writes:
            if (self.house / path).exists() and not (self.made / path).exists():
                _copy(self.house / path, self.made / path)

    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file that it hands over."""
        places = map(self.made.joinpath, self.writes)
        files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
        made = [file for file in files if file.is_file() and not file.name.endswith(TEMPORARY)]
        return {str(file.relative_to(self.made)): _sha256(file) for file in made}

    def ended(self) -> Ended | None:
        """How it ended, if it has. A damaged word is none: the next attempt finds what was made, and says it again."""
        with suppress(UserError):
            return Ended(**read_json(self.folder / ENDED))
        return None

    def begin_again(self) -> None:
        """Forget how it ended."""
        (self.folder / ENDED).unlink(missing_ok=True)

    def take_over(self) -> None:
        """Put whole copies of what was handed over into the repository. Raises UserError where a file is damaged."""
        ended = self.ended()
        if ended is None or self.hashes() != ended.files:
            raise UserError(f"{self.made} does not hold what was handed over there")
        for path in self.writes:
            if (self.made / path).exists():
                _copy(self.made / path, self.house / path)


def code_sha256() -> str:
    """Hash of the code of this process's pipeline, as it lies on the disk now."""
    digest = sha256()
    for folder in ("gam", "pipeline"):
        for file in sorted((HOUSE / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(HOUSE).as_posix()} {_sha256(file)}\n".encode())
    return digest.hexdigest()


def _copy(source: Path, target: Path) -> None:
    """Whole, or not at all."""
    if source.is_dir():
        with replacing_folder(target) as new:
            shutil.copytree(source, new, ignore=shutil.ignore_patterns(f".*{TEMPORARY}"), dirs_exist_ok=True)
    else:
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _ignore_usr2() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
