"""One version, wherever it stands."""

import re
import tomllib

from ruamel.yaml import YAML

from pipeline.base.paths import HOUSE

VERSION = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_citation_is_of_this_version() -> None:
    assert YAML(typ="safe").load(HOUSE / "CITATION.cff")["version"] == VERSION


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## \[(.+)\] - ", (HOUSE / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == VERSION


def test_the_image_is_tagged_with_this_version() -> None:
    page = (HOUSE / "docs" / "container.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bgam:(\d[\d.]*\d)", page)) == {VERSION}
