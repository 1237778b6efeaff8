"""`make doctor`: what this machine lacks, one line each, with what to do about it.

Run as a file, by any Python 3: it needs nothing that it looks for. Ends with 1 where something is missing that the two
commands of the README need; what only some uses need is told too, and changes nothing.
"""

from __future__ import annotations  # of Python 3.7, which may be all that is there

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
CORES, MEMORY_GIB, DISK_GIB = 2, 4, 4
OK, NEEDED, SOME_USES = "ok", "missing", "not here"
NEW_ENVIRONMENT = "delete the folder .venv and call `make quickstart`"


def main() -> None:
    found = [*python(), *machine(), *environment(), *programs(), *gpu(), *texts()]
    for state, line in found:
        print(f"{state:9} {line}")
    missing = sum(state == NEEDED for state, _ in found)
    print(f"\n{missing} to be mended first" if missing else "\nAll that the two commands need is here.")
    sys.exit(bool(missing))


def python() -> Iterator[tuple[str, str]]:
    """The interpreters that pyproject.toml allows."""
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        told = ask(name, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
        if told and (3, 11) <= version(told)[:2] <= (3, 14) and version(told) != (3, 14, 1):
            yield OK, f"Python {told} ({name})"
            if ask(name, "-c", "import ensurepip, venv; print(1)") is None:
                yield NEEDED, "Python's modules venv and ensurepip: on Debian and Ubuntu `apt install python3-venv`"
            return
    yield NEEDED, "Python 3.11 to 3.14, but not 3.14.1: on Debian 12, Ubuntu 24.04 or newer `apt install python3-venv`"


def machine() -> Iterator[tuple[str, str]]:
    """Cores, memory and disk."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield (OK, f"{cores} cores") if cores >= CORES else (SOME_USES, f"{CORES} cores: with {cores} all takes longer")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield room("memory", memory, MEMORY_GIB, "use a machine with more")
    disk = shutil.disk_usage(HOUSE).free / 2**30
    yield room(f"free space on the disk of {HOUSE}", disk, DISK_GIB, "free some")


def room(what: str, there: float, needed: float, mend: str) -> tuple[str, str]:
    """Gibibytes of something."""
    if there >= needed:
        return OK, f"{there:.0f} GiB of {what}"
    return NEEDED, f"{needed:.0f} GiB of {what}, {there:.1f} are there: {mend}"


def environment() -> Iterator[tuple[str, str]]:
    """Whether the packages in .venv are those that are pinned."""
    interpreter = HOUSE / ".venv" / "bin" / "python"
    if not interpreter.exists():
        yield OK, "no .venv yet: the first `make` command makes it, and fetches some 1 GB, with CUDA some 3 GB"
        return
    listed = ask(
        str(interpreter),
        "-c",
        "from importlib.metadata import distributions\nfor d in distributions(): print(d.name + '==' + d.version)",
    )
    if listed is None:
        yield NEEDED, f".venv does not work: {NEW_ENVIRONMENT}"
        return
    there, pinned = pins(listed), pins((HOUSE / "constraints.txt").read_text(encoding="utf-8"))
    for name in ("torch", "dvc", "pydantic", "pytest"):
        if name not in there:
            yield NEEDED, f"{name} in .venv: {NEW_ENVIRONMENT}"
            return
    wrong = [name for name, at in pinned.items() if there.get(name, at) != at]
    if wrong:
        first = f"{wrong[0]} {pinned[wrong[0]]} in .venv, which has {there[wrong[0]]}"
        yield NEEDED, f"{first}{f', and {len(wrong) - 1} more' if wrong[1:] else ''}: {NEW_ENVIRONMENT}"
    else:
        yield OK, f"{len(there)} packages in .venv, as pinned"


def programs() -> Iterator[tuple[str, str]]:
    """What is called beside Python."""
    for name in ("make", "git"):
        yield (OK, name) if shutil.which(name) else (NEEDED, f"{name}: `apt install {name}`")
    if shutil.which("pdflatex"):
        yield OK, "pdflatex"
    else:
        yield SOME_USES, "pdflatex, for tests of the LaTeX tables, which are skipped: `apt install texlive-latex-extra`"
    if shutil.which("docker") or shutil.which("podman"):
        yield OK, "docker or podman"
    else:
        yield SOME_USES, "docker or podman, for `make image`: https://docs.docker.com/engine/install/"


def gpu() -> Iterator[tuple[str, str]]:
    """The driver, and whether torch can use it."""
    driver = ask("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    if not driver:
        yield SOME_USES, "an NVIDIA GPU, for `make gpu` and the paper's own runs: all else works without"
    elif version(driver.splitlines()[0]) < (580,):
        yield SOME_USES, f"NVIDIA driver 580, {driver.splitlines()[0]} is there: install it, or read docs/container.md"
    else:
        yield OK, f"NVIDIA driver {driver.splitlines()[0]}"


def texts() -> Iterator[tuple[str, str]]:
    """Where WikiText-2 and TinyStories would come from. The quickstart makes its own text."""
    mirror = os.environ.get("GAM_DATASETS_MIRROR")
    if mirror and Path(mirror).is_dir():
        yield OK, f"texts from {mirror}"
    elif mirror:
        yield NEEDED, f"the folder {mirror}: set GAM_DATASETS_MIRROR to one that is there, or unset it"
    else:
        try:
            socket.create_connection(("huggingface.co", 443), timeout=3).close()
            yield OK, "huggingface.co answers"
        except OSError:
            yield SOME_USES, "huggingface.co, for other texts than the quickstart's: set GAM_DATASETS_MIRROR"


def ask(*command: str) -> str | None:
    """What a command says, or None where it is not there or fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip()


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def pins(text: str) -> dict[str, str]:
    """Versions by name, of lines such as `torch==2.13.0`."""
    lines = [line.split("==") for line in text.splitlines() if "==" in line and not line.startswith("#")]
    return {name.lower().replace("_", "-").replace(".", "-"): at.split("+")[0] for name, at in lines}


if __name__ == "__main__":
    main()
