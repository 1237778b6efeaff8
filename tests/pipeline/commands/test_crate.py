"""The release as a research object crate: what it names is there, and its dates are those of the results."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.paths import HOUSE
from pipeline.commands.crate import CRATE, crate
from pipeline.commands.crate import main as make_crate
from pipeline.params.datasets import Hub
from pipeline.params.schema import load_params
from tests.conftest import Workspace

COMMIT, DAY = "0123456789abcdef0123456789abcdef01234567", "2026-01-31"


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What the crate of this repository says, by the identifier of what it is about."""
    monkeypatch.chdir(HOUSE)
    return {each["@id"]: each for each in crate(load_params(), COMMIT, DAY)["@graph"]}


def references(value: Any) -> list[str]:
    """All identifiers that a value refers to."""
    if isinstance(value, dict):
        return [value["@id"]] if value.keys() == {"@id"} else references(list(value.values()))
    return [each for part in value for each in references(part)] if isinstance(value, list) else []


def test_what_it_names_is_there(graph: dict[str, dict[str, Any]]) -> None:
    for entity in graph.values():
        assert set(references(list(entity.values()))) <= graph.keys() | {"https://w3id.org/ro/crate/1.3"}
    own = {part for part in references(graph["./"]["hasPart"]) if "://" not in part}
    assert {"gam/", "pipeline/", "results/", "paper_tables/", "dvc.yaml", "params.yaml"} <= own
    assert [part for part in own if not (HOUSE / part).exists()] == []


def test_what_it_says_of_the_release(graph: dict[str, dict[str, Any]]) -> None:
    release, workflow = graph["./"], graph["dvc.yaml"]
    assert release["datePublished"] == DAY
    assert release["identifier"] == f"swh:1:rev:{COMMIT}"
    assert references(release["license"]) == ["https://spdx.org/licenses/Apache-2.0"]
    assert references(release["citation"]) == ["https://arxiv.org/abs/2509.00605"]
    # What the profile of workflows asks for.
    assert references(release["mainEntity"]) == ["dvc.yaml"]
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert references(workflow["programmingLanguage"]) == ["https://dvc.org"]


def test_it_names_the_texts_that_the_models_of_record_were_trained_on(graph: dict[str, dict[str, Any]]) -> None:
    datasets = load_params().datasets
    trained_on = {file.parent.parent.name for file in (HOUSE / "results" / "curves").rglob("*.json")}
    origins = [datasets[name].origin for name in trained_on]
    assert origins
    workflow, *texts = (graph[source] for source in references(graph["results/"]["isBasedOn"]))
    assert workflow["@id"] == "dvc.yaml"
    assert {(text["identifier"], text["name"], text["version"]) for text in texts} == {
        (each.path, each.folder(), each.revision) for each in origins if isinstance(each, Hub)
    }


def git(*command: str, day: str = DAY) -> None:
    dates = {f"GIT_{who}_DATE": f"{day}T12:00:00+00:00" for who in ("AUTHOR", "COMMITTER")}
    options = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *options, *command], env=os.environ | dates, capture_output=True, check=True)


@pytest.fixture
def clone(workspace: Workspace) -> Workspace:
    """A repository whose results are older than its last commit."""
    for file in ("CITATION.cff", "constraints.txt"):
        shutil.copy(HOUSE / file, file)
    Path(".gitignore").write_text(f"{CRATE}\n")
    Path("results").mkdir()
    Path("results/README.md").write_text("Results.\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--message", "Results")
    Path("README.md").write_text("Later.\n")
    git("add", ".")
    git("commit", "--message", "Words", day="2026-02-28")
    return workspace


def test_the_same_commit_gives_the_same_bytes(clone: Workspace) -> None:
    clone.call(make_crate)
    first = CRATE.read_bytes()
    (release,) = (each for each in json.loads(first)["@graph"] if each["@id"] == "./")
    assert release["datePublished"] == DAY
    CRATE.unlink()
    clone.call(make_crate)
    assert CRATE.read_bytes() == first


def test_a_crate_is_of_a_commit(clone: Workspace, refusal: Callable[..., str]) -> None:
    clone.edit({"runtime": {"threads": 3}})
    assert "params.yaml is not as in the last commit" in refusal(make_crate)
    shutil.rmtree(".git")
    assert "make the crate in a clone" in refusal(make_crate)
    assert not CRATE.exists()
