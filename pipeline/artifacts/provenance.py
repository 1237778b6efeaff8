"""What a result was made with: stamped on every result file."""

import platform
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from gam.ops.mamba_kernels import have_kernels
from pipeline.artifacts.devices import device_key
from pipeline.artifacts.records import Code, Provenance
from pipeline.base.paths import HOUSE
from pipeline.data.tokens import TokenFolder
from pipeline.machine.setup import Machine
from pipeline.params.models import Precision

PACKAGES = ["torch", "triton", "numpy", "tokenizers", "safetensors", "mamba-ssm", "causal-conv1d"]
"""The packages that can change a number."""


def provenance(
    machine: Machine,
    precision: Precision | Literal["float16", "float64"] | None,
    tokens: TokenFolder | None = None,
    world_size: int = 1,
) -> Provenance:
    """Code, data, package versions, device, precision and threads of this process, which is one of so many; no tokens
    where none were read."""
    return Provenance(
        code=Code(commit=_commit(), sha256=_source_hash()),
        data={} if tokens is None else {split: counts.sha256 for split, counts in tokens.splits.items()},
        packages={"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        mamba_kernels=machine.gauge.kind == "cuda" and have_kernels(),
        device=machine.name,
        instructions=machine.instructions,
        device_type=machine.gauge.kind,
        stack=machine.stack,
        threads=machine.threads,
        deterministic=machine.deterministic,
        allocator=machine.allocator,
        waiting=machine.waiting,
        world_size=world_size,
        precision=precision,
    )


def slug(machine: Machine) -> str:
    """The name of a device in names of files."""
    return device_key(machine.name, machine.instructions)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _source_hash() -> str:
    """Hash of all Python files of gam and pipeline, for copies that are not under git."""
    digest = sha256()
    for folder in ("gam", "pipeline"):
        for file in sorted((HOUSE / folder).rglob("*.py")):
            digest.update(file.relative_to(HOUSE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def _commit() -> str | None:
    """The commit checked out, `-dirty` where gam or pipeline differ from it; None where git does not track them."""
    if _git("ls-files", "--error-unmatch", "pipeline/__init__.py") is None:
        return None
    commit = _git("rev-parse", "HEAD")
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", "gam", "pipeline") else commit


def _git(*command: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", HOUSE, *command], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
