"""Files appear whole or not at all, and hold the same bytes whatever the platform's conventions."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp
from typing import Any

from pipeline.base.errors import UserError

CHECKSUM = "sha256"
"""The key of a JSON file's own hash."""
TEMPORARY = ".tmp"
"""How temporary files end. A process that is killed leaves its own behind, which git, DVC and all readers ignore."""


def require_space(folder: Path, needed: int) -> None:
    """Raise UserError where the file system of `folder`, which need not be there yet, has less than `needed` bytes."""
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise UserError(
            f"{folder} needs {needed / 2**20:,.0f} MiB of disk, and {free / 2**20:,.0f} MiB are free: free some, "
            "or move the repository to a larger disk"
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; when the block ends well, what was written there becomes `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: everything in it appears together, in place of what was there.

    It may be large, so what killed processes left of it is removed first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}."
    for left in path.parent.iterdir():
        if left.name.startswith(prefix) and left.suffix == TEMPORARY and left.is_dir():
            with suppress(BlockingIOError), _held(left):
                shutil.rmtree(left)
    with TemporaryDirectory(dir=path.parent, prefix=prefix, suffix=TEMPORARY) as name, _held(Path(name)):
        new, old = Path(name, "new"), Path(name, "old")
        new.mkdir()
        yield new
        for file in new.iterdir():
            _sync(file)
        if path.exists():
            path.rename(old)
        new.rename(path)
        _sync(path.parent)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder as long as this process lives. Raises BlockingIOError where another process holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Indented JSON; NaN and infinity are refused, since no reader agrees on them."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def json_sha256(value: Any) -> str:
    """Hash of a JSON value, whatever its layout in a file and the order of its keys."""
    return sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def write_checked_json(path: Path, values: dict[str, Any]) -> None:
    """The same with a checksum beside the values."""
    write_json(path, values | {CHECKSUM: json_sha256(values)})


def read_checked_json(path: Path, remove: Path) -> dict[str, Any]:
    """The values that `write_checked_json` wrote. Raises UserError naming what to `remove` where they are damaged."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(_missing(path)) from None
    except ValueError:
        values = None
    if not isinstance(values, dict) or values.pop(CHECKSUM, None) != json_sha256(values):
        raise UserError(f"{path} is damaged, its sha256 does not fit its content: delete {remove} and run `dvc repro`")
    return values


def read_json(path: Path) -> Any:
    """The value in `path`. Raises UserError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(_missing(path)) from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}): restore it, or make it anew with `dvc repro`") from None


def _missing(path: Path) -> str:
    return f"{path} is missing: make it with `dvc repro`"
