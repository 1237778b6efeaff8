"""A table before it has a format: text cells in columns, rows in groups, notes below."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.artifacts.devices import Device
from pipeline.artifacts.records import Curve, Provenance
from pipeline.claims.intervals import Estimate
from pipeline.params.fields import Section

NOT_RUN = "not run"
NOT_PUBLISHED = "–"


class Made(str):
    """A cell whose number was reproduced, and the result files that it comes from."""

    files: tuple[Path, ...]

    def __new__(cls, text: str, files: Iterable[Path]) -> Self:
        cell = super().__new__(cls, text)
        cell.files = tuple(files)
        return cell


class Bold(Made):
    """One that stands out."""

    def __new__(cls, cell: str) -> Self:
        return super().__new__(cls, cell, files_of(cell))


def files_of(cell: str) -> tuple[Path, ...]:
    """None of a cell that is no reproduced number."""
    return cell.files if isinstance(cell, Made) else ()


def made(cell: str, files: Iterable[Path]) -> str:
    """The cell with the files that it comes from, where it has a number."""
    return cell if cell in (NOT_RUN, NOT_PUBLISHED) else Made(cell, files)


@dataclass(frozen=True)
class Span:
    """A part of a text that has a look of its own."""

    text: str
    bold: bool = False
    link: str = ""
    """A path from the repository's root, or a place in the same file, with `#`; empty for none."""
    files: tuple[Path, ...] = ()
    """The result files of a number that was reproduced."""


Text = list[Span]


@dataclass(frozen=True)
class Quantity:
    """What a column, or a pair of columns, shows."""

    label: str
    unit: str = ""


@dataclass(frozen=True)
class Column:
    """One column; `source` says whose numbers, and is empty where there is but one."""

    quantity: Quantity
    source: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under one heading; the first cell of a row is its label."""

    label: str
    rows: list[list[str]]


@dataclass(frozen=True)
class Table:
    """`columns` are those to the right of the row labels."""

    name: str
    title: str
    group_label: str
    row_label: str
    columns: list[Column]
    groups: list[Group]
    notes: list[str]


def published_and_reproduced(*quantities: Quantity) -> list[Column]:
    """Two columns for each quantity."""
    return [Column(quantity, source) for quantity in quantities for source in ("published", "reproduced")]


def published_cell(row: Section | None, field: str, decimals: int) -> str:
    """A number of the paper, with the decimals that it prints; `row` is None where it has no such row."""
    return NOT_PUBLISHED if row is None else f"{getattr(row, field):.{decimals}f}"


def with_interval(estimate: Estimate, decimals: int, sign: str = "") -> str:
    """An estimate with its interval, or its n where there is none; a `sign` of + shows it above 0 too."""
    form = f"{sign}z.{decimals}f"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:{form}} (n = {estimate.n})"
    return f"{estimate.mean:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


def reproduced_cell(estimate: Estimate | None, decimals: int) -> str:
    """The mean of our runs, with its interval where there are enough of them."""
    if estimate is None:
        return NOT_RUN
    if math.isinf(estimate.mean):
        return "overflow"
    interval = "" if estimate.half_width is None else f" ± {estimate.half_width:.{decimals}f}"
    return f"{estimate.mean:.{decimals}f}{interval}"


def parameters_cell(curves: Sequence[Curve]) -> str:
    """Millions of parameters, which all seeds of one model on one data set share."""
    return f"{curves[0].parameters / 1e6:.1f}" if curves else NOT_RUN


def interval_note() -> str:
    """What the reproduced numbers are."""
    return (
        "Reproduced: mean over n seeds ± half the width of its two-sided 95 % t interval (from n = 3 on). "
        "Published: one run, without a seed or an interval."
    )


def cost_notes(what: str, seconds: float) -> list[str]:
    """What it cost to compute, where anything was."""
    if not seconds:
        return []
    cost = f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
    return [f"{what} took {cost} by the clock."]


def on_device(what: str, device: Device) -> str:
    """The heading of what was measured on a device."""
    return f"{what}, {device.name}" if device.name else what


def machine_notes(provenances: list[Provenance]) -> list[str]:
    """One line for each setting that the runs of a table were made with: hardware, precision, versions; its codes."""
    return [f"Reproduced on {line}." for line in _with_codes(_setting, provenances)]


def count_notes(provenances: list[Provenance]) -> list[str]:
    """One line for each numpy that counted tokens, and its codes."""
    lines = _with_codes(lambda p: f"{p.precision}, numpy {p.packages.get('numpy')}", provenances)
    return [f"Tokens counted with {line}." for line in lines]


def _setting(p: Provenance) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in p.packages.items() if version)
    mode = "deterministic" if p.deterministic else "not deterministic"
    precision = p.precision or "precision by model"
    device = f"{p.device} with {p.instructions}" if p.instructions else p.device
    threads = f"{p.threads} thread{'s' if p.threads > 1 else ''}"
    shared = threads if p.world_size == 1 else f"{p.world_size} processes of {threads}"
    driven_by = "".join(f", {name} {version}" for name, version in p.stack.items())
    return f"{device} ({p.device_type}{driven_by}, {shared}, {mode}); {precision}; {p.mamba_scan}; {packages}"


def _with_codes(setting: Callable[[Provenance], str], provenances: list[Provenance]) -> list[str]:
    """Each setting once, with the codes of all that had it."""
    found: dict[str, list[Provenance]] = {}
    for each in provenances:
        found.setdefault(setting(each), []).append(each)
    return [f"{told}; {_codes(alike)}" for told, alike in sorted(found.items())]


def _codes(provenances: list[Provenance]) -> str:
    """The commits of all, or a hash of the sources where one was not in git."""
    commits = {_commit(p.code.commit) for p in provenances if p.code.commit}
    sources = {p.code.sha256[:12] for p in provenances if not p.code.commit}
    told = [f"{'commits' if len(commits) > 1 else 'commit'} {', '.join(sorted(commits))}"] if commits else []
    return ", ".join(told + [f"sources {name}" for name in sorted(sources)])


def _commit(name: str) -> str:
    commit, _, dirty = name.partition("-")
    return f"{commit[:12]}{dirty and '-' + dirty}"
