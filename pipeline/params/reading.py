"""A YAML file as DVC reads it, and what is wrong with it in one line."""

import reprlib
import warnings
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLWarning
from ruamel.yaml.reader import ReaderError

from pipeline.base.errors import UserError, did_you_mean


class _Constructor(SafeConstructor):
    """Gives a line to what ruamel.yaml refuses without one, such as the date 2001-13-45 or the number 0x."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int) and value.bit_length() > 64:  # Python itself refuses to print very long ones
                raise ValueError("it has more than 64 bits")
        except (ValueError, LookupError) as error:
            kind = node.tag.rpartition(":")[2]
            problem = f"cannot read {reprlib.repr(node.value)} as {kind}: {error}"
            raise ConstructorError(None, None, problem, node.start_mark) from None
        return value


def read_yaml(path: Path) -> Any:
    """The content of a YAML 1.2 file in UTF-8, read as DVC reads it. Raises UserError naming the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} is missing: run from the repository's root, or restore it from git") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path} is not UTF-8 in line {line}: save it in that encoding") from None
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)
            values = yaml.load(text)
            YAML(typ="safe").load(text)  # by libyaml, with which DVC reads, and which refuses a little more
            return values
    except RecursionError:
        raise UserError(f"{path} is nested too deeply: correct its brackets or its indentation") from None
    except Exception as error:  # on damaged text ruamel.yaml raises ValueError, TypeError and AssertionError as well
        raise UserError(f"{path} is not valid YAML{_yaml_mistake(error, text)}") from None


def _yaml_mistake(error: Exception, text: str) -> str:
    line, problem = None, str(error)
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        line, problem = error.problem_mark.line, " ".join(filter(None, (error.context, error.problem)))
    elif isinstance(error, ReaderError):
        line, problem = text.count("\n", 0, error.position), f"character {error.character:#x}: {error.reason}"
    return ("" if line is None else f" in line {line + 1}") + f": {_short(problem)}"


def first_mistake(error: ValidationError, values: Any) -> str:
    """One line for the first of pydantic's errors, a misspelt key before the missing one that it leaves behind."""
    mistakes = sorted(error.errors(), key=lambda mistake: mistake["type"] != "extra_forbidden")
    first, others = mistakes[0], len(mistakes) - 1
    field = _dotted(first["loc"], values)
    if first["type"] == "extra_forbidden":
        missing = [str(m["loc"][-1]) for m in mistakes if m["type"] == "missing" and m["loc"][:-1] == first["loc"][:-1]]
        hint = did_you_mean(str(first["loc"][-1]), missing)
        others -= bool(hint)
        text = f"{field} is not a known key{hint}; remove it or correct its name"
    elif first["type"] == "missing":
        text = (
            f"{'.'.join(filter(None, (field, str(first['loc'][-1]))))} is missing; every field is spelled out, add it"
        )
    elif first["type"] == "value_error":  # raised by our own rules, whose messages begin with the field
        text = ".".join(part for part in (field, str(first["ctx"]["error"])) if part)
    elif first["type"] == "union_tag_invalid":
        text = f"{field}.block must be one of {first['ctx']['expected_tags']}, got {_got(first['input']['block'])}"
    elif first["type"] == "union_tag_not_found":
        text = f"{field}.block is missing; it says which block the model is made of, add it"
    else:
        text = f"{field or 'the file'}: {first['msg'][:1].lower()}{first['msg'][1:]}, got {_got(first['input'])}"
    return text + (f" (and {others} more)" if others else "")


def _dotted(location: tuple[int | str, ...], values: Any) -> str:
    """The path of a field as it stands in the file, without the tags that pydantic adds for unions."""
    path = []
    for part in location:
        if isinstance(values, dict) and part in values or isinstance(values, list) and isinstance(part, int):
            values = values[part]  # type: ignore[index]  # a key of a dict or an index of a list, as just checked
            path.append(_short(str(part)))
    return ".".join(path)


def _got(value: Any) -> str:
    """A value as it was read; aliases can make a small file hold a value too large to print."""
    return _short(reprlib.repr(value))


def _short(text: str) -> str:
    """Part of a one-line message: no control characters, and the middle left out of what is long."""
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in " ".join(text.split()))
    return line if len(line) <= 160 else f"{line[:100]} ... {line[-50:]}"
