"""docker/*.lock: a hash for every package, and the versions that pyproject.toml and constraints.txt ask for."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipeline.base.paths import HOUSE

DOCKER = HOUSE / "docker"
LOCKS = ("requirements.lock", "requirements-source.lock", "tools.lock")


def locked(lock: str) -> dict[str, str]:
    """Version by package of a lock, of which each line is a comment, a package, or one of its hashes."""
    lines = (DOCKER / lock).read_text(encoding="utf-8").splitlines()
    versions: dict[str, str] = {}
    hashes: list[int] = []
    for line in lines:
        if line.startswith("#"):
            continue
        if package := re.fullmatch(r"([a-z0-9-]+)==([^ ]+)(?: ; [^\\]+)? \\", line):
            assert hashes[-1:] != [0], f"{lock} has no hash for {list(versions)[-1]}"
            versions[package[1]] = package[2]
            hashes.append(0)
        else:
            assert re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?", line), f"{lock}: {line}"
            hashes[-1] += 1
    assert hashes[-1] > 0
    return versions


def project() -> dict[str, list[Requirement]]:
    """The requirements in pyproject.toml, by extra; those of the library under ""."""
    table = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {"": table["dependencies"], **table["optional-dependencies"]}
    return {name: [Requirement(text) for text in texts] for name, texts in extras.items()}


def constraints() -> dict[str, str]:
    lines = (HOUSE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_a_hash_for_every_package(lock: str) -> None:
    assert locked(lock)
    assert not re.search(r"https?:|file:|--[a-gi-z]", (DOCKER / lock).read_text(encoding="utf-8"))


def test_the_image_is_what_pyproject_allows() -> None:
    versions = locked("requirements.lock") | locked("requirements-source.lock")
    extras = project()
    for requirement in [*extras[""], *extras["pipeline"], *extras["mamba"], *extras["test"]]:
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} was locked as {version}: make lock"
    pinned = constraints()
    assert [name for name, version in versions.items() if Version(pinned.get(name, version)) != Version(version)] == []
    # What the constraints leave out is named to the last digit by cuda-toolkit.
    assert all(name.startswith("nvidia-") for name in versions.keys() - pinned.keys())


def test_what_is_built_from_source() -> None:
    """No package is locked both ways, and uv.toml tells what the versions need that are locked here."""
    source = locked("requirements-source.lock")
    assert source.keys().isdisjoint(locked("requirements.lock"))
    for package in tomllib.loads((DOCKER / "uv.toml").read_text(encoding="utf-8"))["dependency-metadata"]:
        assert package["version"] == source[package["name"]]
