"""What stands in docker/, read as text, and its entry point, run without a container. docker/check.sh does the rest."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipeline.base.paths import HOUSE

DOCKER = HOUSE / "docker"
LOCKS = ("requirements.lock", "requirements-source.lock", "tools.lock")
ENTRYPOINT = [sys.executable, "-I", str(DOCKER / "entrypoint.py")]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments on one line."""
    text = re.sub(r"^#.*\n", "", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


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


def test_base_images_are_pinned() -> None:
    """By digest, as defaults of build arguments."""
    stages = [re.fullmatch(r"\$\{(\w+)\} AS (\w+)", rest) for rest in arguments("FROM")]
    assert [stage and stage[2] for stage in stages] == ["build", "run"]
    defaults = dict(rest.split("=", 1) for rest in arguments("ARG"))
    for stage in stages:
        assert stage
        assert re.fullmatch(r"docker\.io/[a-z0-9/]+:[\w.-]+@sha256:[0-9a-f]{64}", defaults[stage[1]])
    assert re.fullmatch(r"\d{8}T\d{6}Z", defaults["APT_SNAPSHOT"])


def test_nobody_is_root_at_run_time() -> None:
    names = [name for name, _ in instructions()]
    last_user = len(names) - 1 - names[::-1].index("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions()[last_user][1])
    assert not {"FROM", "RUN", "COPY"} & set(names[last_user:])


def test_nothing_comes_but_from_package_managers() -> None:
    """No file of the image is a download, and no version is left to the day of the build."""
    for command in arguments("RUN"):
        assert not re.search(r"curl|wget|https?:|git (clone|fetch|pull)|apt-get|<<", command)
        for install in re.findall(r"pip [^&]*install [^&]*", command):
            assert {"--no-deps", "--require-hashes"} <= set(install.split())
            assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|--upgrade", command)
    assert not arguments("ADD")
    for copy in arguments("COPY"):
        assert re.fullmatch(r"--from=build /opt/venv /opt/venv|--chmod=0644 docker/entrypoint.py /opt/\S+", copy)
    for file in ("docker/Dockerfile", "docker/apt-install.sh", "Makefile"):
        assert "latest" not in (HOUSE / file).read_text(encoding="utf-8")


def test_labels() -> None:
    (labels,) = arguments("LABEL")
    for label in ("source", "revision", "version", "licenses"):
        assert f"org.opencontainers.image.{label}=" in labels


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
    (named,) = re.findall(r'only_source="(.*)"', (DOCKER / "lock.sh").read_text(encoding="utf-8"))
    assert list(locked("requirements-source.lock")) == named.split()
    for package in tomllib.loads((DOCKER / "uv.toml").read_text(encoding="utf-8"))["dependency-metadata"]:
        assert package["version"] == locked("requirements-source.lock")[package["name"]]


def test_readme_shows_what_make_does() -> None:
    (recipe,) = re.findall(r"^docker-repro:.*\n\t((?:.*\\\n)*.*)", (HOUSE / "Makefile").read_text(), re.MULTILINE)
    made = recipe.replace("$(CURDIR)", "$PWD").replace("$$", "$")
    made = made.replace("$(DOCKER)", "docker").replace("$(IMAGE)", "gam:0.1.0")
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    assert re.sub(r"\s*\\\n\s*", " ", made) in re.sub(r"\s*\\\n\s*", " ", readme)


# The entry point.

DIES_AT_ONCE = """
import signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
time.sleep(60)
"""
"""As DVC does, while its child lives on."""
SAVES_FIRST = """
import pathlib, signal, sys, time
def save(number, frame):
    time.sleep(1)
    pathlib.Path("saved").write_text(str(number))
    sys.exit()
signal.signal(signal.SIGTERM, save)
pathlib.Path("ready").touch()
time.sleep(60)
"""


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.01)


def test_a_stop_waits_for_the_training(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ENTRYPOINT, sys.executable, "-c", DIES_AT_ONCE, SAVES_FIRST], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    wait_for(tmp_path / "ready")
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert (tmp_path / "saved").read_text() == str(int(signal.SIGTERM))


def test_what_a_command_leaves_running_may_save(tmp_path: Path) -> None:
    """The command is killed by someone else, or just ends: its training is told to stop, and waited for."""
    ends = DIES_AT_ONCE.replace("time.sleep(60)", "while not __import__('os').path.exists('ready'): pass\nsys.exit(3)")
    done = subprocess.run([*ENTRYPOINT, sys.executable, "-c", ends, SAVES_FIRST], cwd=tmp_path, check=False, timeout=30)
    assert done.returncode == 3
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), (["no-such-command"], 127)],
)
def test_exit_codes(command: list[str], code: int) -> None:
    done = subprocess.run([*ENTRYPOINT, *command], capture_output=True, text=True, check=False)
    assert done.returncode == code
    errors = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert errors == (["error: no-such-command: No such file or directory"] if code == 127 else [])


@pytest.fixture
def entrypoint() -> ModuleType:
    spec = spec_from_file_location("entrypoint", DOCKER / "entrypoint.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, entrypoint: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entrypoint.unwritable(tmp_path) == entrypoint.unwritable(tmp_path / "missing") == ""
    monkeypatch.setattr(os, "access", lambda *_: False)
    complaint = entrypoint.unwritable(tmp_path)
    assert f"{tmp_path} belongs to user {os.getuid()}:{os.getgid()}" in complaint
    assert 'docker run --user "$(id -u):$(id -g)"' in complaint


def test_locks_of_an_earlier_container(tmp_path: Path, entrypoint: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process id in DVC's lock that is ours, or nobody's, belongs to someone dead; another's lock stays."""
    monkeypatch.chdir(tmp_path)
    lock = tmp_path / ".quickstart/stories" / entrypoint.RWLOCK
    lock.parent.mkdir(parents=True)
    gone = subprocess.Popen(["true"])
    gone.wait()
    for holder, stays in ((gone.pid, False), (os.getpid(), False), (1, False), (os.getppid(), True)):
        lock.write_text(json.dumps({"read": {"/repo/data": [{"pid": holder, "cmd": "dvc repro"}]}}))
        entrypoint.forget_the_dead()
        assert lock.exists() == stays


def test_notes(tmp_path: Path, entrypoint: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """No repository, no GPU: said in a line each, and the command runs."""
    for name in ("REPOSITORY", "CACHE"):
        setattr(entrypoint, name, tmp_path)
    entrypoint.GPU_DEVICES = (str(tmp_path / "none"),)
    entrypoint.run = lambda _: 5
    with pytest.raises(SystemExit) as stop:
        entrypoint.main()
    assert stop.value.code == 5
    repository, gpu = capsys.readouterr().err.splitlines()
    assert repository.startswith(f"note: no repository at {tmp_path}: add --volume ")
    assert "--gpus all (NVIDIA driver 580 or newer)" in gpu
