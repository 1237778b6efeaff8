"""The figures as they stand in the page: the same to the eye as their files, at a fraction of their bytes.

matplotlib repeats in every file the outline of each letter, and writes six decimals. Here what several drawings have in
common is written once for all, and coordinates are rounded.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

DECIMALS = 3
"""Of a coordinate in points: a thousandth of one is far less than a pixel in the enlarged figure."""
COORDINATES = {"x", "y", "width", "height", "d"}
ALONG = re.compile(r"translate\(([-\d.]+) 0\)")
"""Where a letter stands in its line: the same as its x."""
HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Drawing:
    """An element for HTML, and its width in points."""

    svg: str
    width: float


class Drawings:
    """The drawings of a page. `defs` and `css` are what they share, known once all are added."""

    def __init__(self) -> None:
        self._shared: dict[str, str] = {}
        """By what is drawn, without its name: the name."""
        self._classes: dict[str, str] = {}
        """By style: the class."""
        self._rules: dict[str, None] = {}
        """Style sheets of the files, in order."""

    def add(self, file: Path) -> Drawing:
        """One more figure, from a file that matplotlib wrote."""
        root = ElementTree.parse(file).getroot()
        names = {each.get("id", ""): self._name(each) for defs in root.iter(_svg("defs")) for each in defs}
        self._rules |= {text: None for each in root.iter(_svg("style")) if (text := each.text)}
        (drawing,) = self._reduced(root, names)
        drawing.set("class", "drawing")
        return Drawing(_written(drawing), float(root.get("viewBox", "").split()[2]))

    @property
    def defs(self) -> str:
        """Outlines of letters, marks and clips, each with its name."""
        return "".join(re.sub(r"^<\w+", rf'\g<0> id="{name}"', shared) for shared, name in self._shared.items())

    @property
    def css(self) -> str:
        """The style sheets of the files, for drawings alone, and a class for each style, which goes before them."""
        rules = [rule.replace("*", ".drawing *", 1) for rule in self._rules]
        return "\n".join([*rules, *(f".{name}{{{style}}}" for style, name in self._classes.items())])

    def _name(self, defined: Element) -> str:
        """That of an element of <defs>, the same wherever the same is drawn."""
        if defined.tag == _svg("style"):
            return ""
        (shared,) = self._reduced(defined, {})
        return self._shared.setdefault(_written(shared), f"d{len(self._shared)}")

    def _reduced(self, element: Element, names: dict[str, str]) -> list[Element]:
        """The element, or those in it where it says nothing itself; `names` replace those of <defs>."""
        if element.tag in (_svg("defs"), _svg("metadata")):
            return []
        inside = [each for child in element for each in self._reduced(child, names)]
        made = Element(element.tag.removeprefix(_svg("")), self._attributes(element, names))
        if made.tag == "g" and not made.attrib:
            return inside
        made.extend(inside)
        made.text = element.text if made.tag == "title" else None
        return [made]

    def _attributes(self, element: Element, names: dict[str, str]) -> dict[str, str]:
        kept = {}
        for name, value in element.attrib.items():
            if name == HREF:
                kept["href"] = f"#{names[value[1:]]}"
            elif name == "clip-path":
                kept[name] = f"url(#{names[value[5:-1]]})"
            elif name == "style":
                style = re.sub(r"\s*([:;])\s*", r"\1", value)
                kept["class"] = self._classes.setdefault(style, f"s{len(self._classes)}")
            elif name == "transform" and (along := ALONG.fullmatch(value)) and element.tag == _svg("use"):
                kept["x"] = _rounded(along[1])
            elif name == "transform":
                kept[name] = re.sub(r"translate\([^)]*\)", lambda found: _rounded(found[0]), value)
            elif name in COORDINATES:
                kept[name] = _path(value) if name == "d" else _rounded(value)
            elif name not in ("id", "version"):
                kept[name] = value
        return kept


def _svg(tag: str) -> str:
    return f"{{http://www.w3.org/2000/svg}}{tag}"


def _rounded(text: str) -> str:
    """Every number in it."""
    return re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):z.{DECIMALS}f}".rstrip("0").rstrip("."), text)


def _path(data: str) -> str:
    """Without spaces and letters that a reader of paths does without: `M0 0L1 2 3 4`."""
    steps = re.findall(r"([A-Za-z])([^A-Za-z]*)", _rounded(data))
    written = ""
    before = ""
    for letter, numbers in steps:
        repeats = letter == before and letter in "LQC"
        written += (" " if repeats else letter) + " ".join(numbers.split())
        before = letter
    return written


def _written(element: Element) -> str:
    return ElementTree.tostring(element, encoding="unicode").replace(" />", "/>")
