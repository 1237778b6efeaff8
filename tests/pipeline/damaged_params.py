"""Damaged params.yaml files, as strategies of hypothesis: wrong in what they say, or in how they are written."""

import datetime
import io
import math
from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.base.paths import HOUSE
from pipeline.params.reading import read_yaml
from tests.conftest import tiny_params

Document = dict[Any, Any]
DOCUMENTS = (read_yaml(HOUSE / "params.yaml"), tiny_params())


def dumped(document: Document) -> str:
    stream = io.StringIO()
    YAML().dump(document, stream)
    return stream.getvalue()


TEXTS = ((HOUSE / "params.yaml").read_text(encoding="utf-8"), dumped(DOCUMENTS[1]))
# Structure: the file is YAML, what it says is wrong.

PLAUSIBLE = {
    bool: st.booleans(),
    int: st.integers(-1, 512) | st.sampled_from([2**31, 2**63 - 1, 2**63]),
    float: st.integers(0, 2) | st.floats(0, 2) | st.sampled_from([math.nan, math.inf, 1e308]),
    str: st.sampled_from("gam gam-sum-fusion mamba transformer stories wikitext-2 float32 bfloat16 cpu auto".split()),
}
"""Another value of the type that an entry has, often a good one."""
IMPLAUSIBLE = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**63, -(2**63), 2**64, 10**400, -(10**400)]),
    st.floats(),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324]),
    st.text(max_size=8),
    st.sampled_from(["", "\0", "\x1b[31m", "a\nb", "\u2028", "\x85", "\u202e", "é", "5", "true", "${x}", "~"]),
    st.just("x" * 5000),
    st.dates() | st.datetimes(),
    st.binary(max_size=8),
    st.lists(st.none() | st.integers() | st.text(max_size=4), max_size=4),
    st.dictionaries(st.none() | st.integers() | st.text(max_size=4), st.none() | st.booleans(), max_size=3),
)
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [None, True, 0, -1, 1.5, math.nan, datetime.date(2001, 1, 1), "", "<<", "x" * 300, "\x1b\u2028", "é"]
    ),
)


def places_in(node: Any, seen: tuple[int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list of a document with each of its keys or indices; a copy may have put it into itself."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list) and id(value) not in seen:
            yield from places_in(value, (*seen, id(value)))


@st.composite
def rearranged(draw: st.DrawFn) -> bytes:
    """A document of which a few entries were deleted, renamed, doubled, replaced or swapped."""
    document = deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        places = list(places_in(document))
        if not places:
            break
        node, key = draw(st.sampled_from(places))
        other, other_key = draw(st.sampled_from(places))
        match draw(
            st.sampled_from("delete rename double plausible plausible plausible replace replace copy swap".split())
        ):
            case "delete":
                del node[key]
            case "rename" if isinstance(node, dict):
                node[draw(KEYS | st.just(str(key)[:-1]))] = node.pop(key)
            case "double" if isinstance(node, dict):
                node[draw(KEYS | st.just(f"{key}-2"))] = node[key]
            case "double":
                node.append(node[key])
            case "plausible" if type(node[key]) in PLAUSIBLE:
                node[key] = draw(PLAUSIBLE[type(node[key])])
            case "copy":  # written as an anchor and an alias
                node[key] = other[other_key]
            case "swap":
                node[key], other[other_key] = other[other_key], node[key]
            case _:
                node[key] = draw(IMPLAUSIBLE)
    return dumped(document).encode()


# Text: the file need not be YAML.

LAUGHS = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghij")
)
"""Aliases of aliases: written out, 400 million entries."""
WORDS = r"""
- : ? [ ] { } , # ' " | > % @ = ~ << é .nan +.inf 0x 0x_ 0o8 1_000 1e5 1e999 12:30:45 2001-01-01 2001-13-45
&a *a *j &gam *gam !x !!str !!null !<%ff> !%zz !!python/object:os.system "\x1b[31m" "\ud800" "\U00110000"
""".split()
LINES = r"""
- &a [*a]
&a {<<: *a}
<<: 1
!!int x
!!int ''
!!float ''
!!bool x
!!binary é
!!timestamp x
!!set {a, a}
!!set {? [1]}
!!omap [a: 1]
!!python/object/apply:os.system [true]
2001-01-01 25:00:00
%YAML 1.3
%TAG ! x
null: 1
[a]: 2
{a: 1}: 2
[[a]]: 3
train: {}
""".strip().splitlines()
LONG = ["9" * 5000, "0x" + "f" * 5000, "x" * 5000, "[" * 1200, "[" * 40 + "]" * 40, "{a: " * 60 + "}" * 60, "- " * 300]
SPACES = ["\t", " ", "\n", "\r", "\r\n", "\n---\n", "\n...\n", "\x85", "\u2028", "\ufeff"]
BYTES = st.one_of(
    *(st.sampled_from([text.encode() for text in texts]) for texts in (WORDS, LINES, LONG, SPACES)),
    st.sampled_from([b"\0", b"\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"\x80", b"\x1b", b"\x7f", b"\x08"]),
    st.characters().map(str.encode),
    st.binary(max_size=3),
)


@st.composite
def scribbled(draw: st.DrawFn) -> bytes:
    """A file in which a few characters, values or lines were changed, added, doubled, deleted or moved."""
    content = draw(st.sampled_from(TEXTS)).encode()
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        lines = content.splitlines(keepends=True) or [b""]
        at = draw(st.integers(0, len(lines) - 1))
        line, column = lines[at], draw(st.integers(0, len(lines[at])))
        name, colon, value = line.partition(b":")
        match draw(st.sampled_from("cut cut insert insert value tag line double delete move".split())):
            case "cut":
                lines[at] = line[:column] + line[column + draw(st.integers(1, 4)) :]
            case "insert":
                lines[at] = line[:column] + draw(BYTES) + line[column:]
            case "value":
                lines[at] = name + colon + b" " + draw(BYTES) + b"\n"
            case "tag":
                lines[at] = name + colon + b" " + draw(BYTES) + value
            case "line":
                lines[at : at + 1] = [line[: len(line) - len(line.lstrip())], draw(BYTES), b"\n", line]
            case "double":
                lines.insert(draw(st.integers(0, len(lines))), line)
            case "delete":
                del lines[at : at + draw(st.integers(1, 3))]
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        content = b"".join(lines)
    start = [b"", b"", b"", b"", b"\xef\xbb\xbf", b"%YAML 1.1\n---\n", LAUGHS.encode()]
    content = draw(st.sampled_from(start)) + content
    if draw(st.integers(0, 30)) == 30:
        content = content.decode(errors="replace").encode("utf-16")
    return content
