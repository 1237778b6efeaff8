"""Artifacts on their way through a DVC remote."""

import shutil
from hashlib import md5
from pathlib import Path

from tests.acceptance.workspaces import dvc, dvc_fails, files_in, stages_run


def clone(house: Path, copy: Path) -> Path:
    """What git carries: everything but data, weights and DVC's cache."""
    stays = {str(house): {"data", "runs", "work"}, str(house / ".dvc"): {"cache", "tmp"}}
    shutil.copytree(house, copy, ignore=lambda folder, names: stays.get(folder, set()) & set(names))
    return copy


def test_artifacts_travel(house: Path, tmp_path: Path) -> None:
    """Pushed to a remote, pulled into a second clone, where nothing is left to do; a damaged object is refused."""
    before = files_in(house / "paper_tables")
    store = tmp_path / "store"
    dvc(house, "remote", "add", "--default", "store", str(store))
    dvc(house, "remote", "modify", "store", "verify", "true")
    dvc(house, "push")
    second = clone(house, tmp_path / "second")
    dvc(second, "pull")
    assert stages_run(dvc(second, "repro")) == set()
    dvc(second, "repro", "--single-item", "--force", "tables", "figures")
    assert files_in(second / "paper_tables") == before

    weights = "runs/stories/gam/seed-0.safetensors"
    digest = md5((house / weights).read_bytes(), usedforsecurity=False).hexdigest()
    stored = store / "files/md5" / digest[:2] / digest[2:]
    stored.chmod(0o644)
    content = bytearray(stored.read_bytes())
    content[-100] ^= 1
    stored.write_bytes(content)
    third = clone(house, tmp_path / "third")
    assert weights in dvc_fails(third, "pull")
    assert not (third / weights).exists()
    dvc(third, "repro", "--single-item", "--force", "tables", "figures")
    assert files_in(third / "paper_tables") == before
