"""`python -m pipeline crate`: ro-crate-metadata.json, which tells machines what this release consists of.

With it the repository is a research object crate (https://w3id.org/ro/crate/1.3): a folder whose parts, origin, licence
and citations stand in one JSON-LD file. What it says comes from CITATION.cff, params.yaml, constraints.txt and git. It
names the commit that is checked out. So it is made of a clone without changes, and the same commit gives the same
bytes.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

from rocrate.model import ComputerLanguage, ContextEntity, DataEntity
from rocrate.rocrate import ROCrate

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import write_json
from pipeline.params.command_line import read_names
from pipeline.params.datasets import Hub
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params

CRATE = Path("ro-crate-metadata.json")
CITATION, CONSTRAINTS = Path("CITATION.cff"), Path("constraints.txt")
COMMIT = "swh:1:rev:"
"""Before the hash of a commit: its name in Software Heritage, the archive of source code."""
FOLDERS = {
    "gam": "The models, in Python: a library that needs torch and nothing else.",
    "pipeline": "From text to tables, in Python: the stages of dvc.yaml, and the commands that a person calls.",
    "results": "What was measured, in JSON. Each file but the fingerprints says which code, text, packages and device "
    "made it. results/README.md says what lies where.",
    "paper_tables": "Tables and figures, made of the results alone. claims.md judges each claim of the paper.",
}
FILES = {
    "README.md": ("What was found, and how to run it.", "text/markdown"),
    "CITATION.cff": ("How to cite this project, and the paper.", "application/yaml"),
    "LICENSE": ("The text of the licence.", "text/plain"),
    "params.yaml": ("Every number that was chosen.", "application/yaml"),
}
WORKFLOW = {
    "name": "From text to tables",
    "description": "The steps, and what each needs. Run by DVC.",
    "encodingFormat": "application/yaml",
}


def main() -> None:
    _, params = read_names(__doc__)
    if changes := _git("status", "--porcelain").splitlines():
        raise UserError(f"{changes[0][3:]} is not as in the last commit, which a crate names: commit it or put it away")
    published = _git("log", "-1", "--format=%cs", "--", str(paths.RESULTS), str(paths.PAPER_TABLES))
    write_json(CRATE, crate(params, _git("rev-parse", "HEAD"), published))
    print(f"{CRATE}: the release of {published}")


def _git(*command: str) -> str:
    try:
        done = subprocess.run(["git", *command], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise UserError(f"git {command[0]} fails here: make the crate in a clone of the repository") from None
    return done.stdout.rstrip()


def crate(params: Params, commit: str, published: str) -> dict[str, Any]:
    """The release at a commit as JSON-LD; `published`, such as 2026-01-31, is the day of its results."""
    citation = read_yaml(CITATION)
    version = {"version": citation["version"]}
    made = ROCrate()
    author = _add(made, "#authors", "Organization", name=citation["authors"][0]["name"])
    about = {
        "name": citation["title"],
        "description": citation["abstract"],
        "identifier": COMMIT + commit,
        "datePublished": published,
        "author": author,
        "publisher": author,
        "license": _licence(made, citation["license"]),
        "citation": [_paper(made, paper) for paper in citation["references"]],
    }
    for name, value in (about | version).items():
        made.root_dataset[name] = value
    for file, (description, encoding) in FILES.items():
        made.add_file(file, properties={"name": file, "description": description, "encodingFormat": encoding})
    made.get("README.md")["about"] = made.root_dataset
    for folder, description in FOLDERS.items():
        made.add_dataset(folder, properties={"name": folder, "description": description} | version)
    workflow = made.add_workflow(paths.GRAPH, main=True, lang=_dvc(made), properties=WORKFLOW | version)
    made.get("results/")["isBasedOn"] = [workflow, *_texts(made, params)]
    made.get("paper_tables/")["isBasedOn"] = [workflow, made.get("results/")]
    return made.metadata.generate()


def _add(made: ROCrate, at: str, kind: str, /, **properties: Any) -> ContextEntity:
    return made.add(ContextEntity(made, at, {"@type": kind, **properties}))


def _paper(made: ROCrate, reference: dict[str, Any]) -> ContextEntity:
    """A work that CITATION.cff refers to, by its number on arXiv."""
    names = [f"{each['given-names']} {each['family-names']}" for each in reference["authors"]]
    number = reference["identifiers"][0]["value"]
    return _add(
        made,
        f"https://arxiv.org/abs/{number.removeprefix('arXiv:')}",
        "ScholarlyArticle",
        name=reference["title"],
        identifier=number,
        author=[_add(made, f"#{name.lower().replace(' ', '-')}", "Person", name=name) for name in names],
        datePublished=f"{reference['year']}-{reference['month']:02}",
    )


def _licence(made: ROCrate, name: str) -> ContextEntity:
    at, text = f"https://spdx.org/licenses/{name}", "Its text is in the file LICENSE."
    return _add(made, at, "CreativeWork", name=name, description=text)


def _dvc(made: ROCrate) -> ComputerLanguage:
    """What runs the workflow, in the version that is pinned."""
    (pinned,) = re.findall(r"^dvc==(.+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    about = {"name": "DVC", "url": "https://dvc.org", "version": pinned}
    return made.add(ComputerLanguage(made, about["url"], about))


def _texts(made: ROCrate, params: Params) -> list[DataEntity]:
    """The texts of the Hub that models were trained on, as far as there are results."""
    origins = [text.origin for name, text in params.datasets.items() if (paths.RESULTS / "curves" / name).is_dir()]
    texts = {each.folder(): each for each in origins if isinstance(each, Hub)}
    return [
        made.add_dataset(
            f"https://huggingface.co/datasets/{hub.path}/tree/{hub.revision}/{hub.name or ''}",
            properties={
                "name": name,
                "description": "A text that models were trained on, fetched by the workflow, not among these files.",
                "identifier": hub.path,
                "version": hub.revision,
            },
        )
        for name, hub in sorted(texts.items())
    ]
