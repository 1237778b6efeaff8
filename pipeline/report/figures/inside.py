"""What the figures of trained weights share: which families they show, and a line with its band over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from pipeline.artifacts.current import read_inside
from pipeline.artifacts.inside_records import Inside
from pipeline.claims.intervals import estimate
from pipeline.params.models import Role
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import REPRODUCED, Look, looks
from pipeline.report.groups import Comparison, member
from pipeline.report.published import Published


@dataclass(frozen=True)
class Arm:
    """A model of a family, and what was seen inside its runs: one of them at least."""

    role: Role
    model: str
    name: str
    look: Look
    runs: list[Inside]


@dataclass(frozen=True)
class Seen:
    """The models of a family on one text that were looked into."""

    dataset: str
    label: str
    arms: list[Arm]
    missing: dict[str, str]
    """Names of the family's other models, by model."""

    def title(self, arms: Sequence[Arm]) -> str:
        """The group, and how many seeds there are of these models."""
        counts = sorted({len(arm.runs) for arm in arms})
        return f"{self.label}, n = {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))}"


def looked_into(params: Params, published: Published) -> list[Seen]:
    """Every family on every text of which at least one run was looked into.

    A model has one look in all of them, whichever others are missing.
    """
    groups: dict[tuple[str, str], dict[str, list[Inside]]] = {}
    for name, family in params.families.items():
        for dataset, model in family.runs():
            groups.setdefault((name, dataset), {})[model] = read_inside(params, dataset, model)
    shown = {group: runs for group, runs in groups.items() if any(runs.values())}
    names = {model: member(params, model).name(published) for runs in shown.values() for model in runs}
    styles = looks(list(dict.fromkeys(names.values())))

    def seen(family: str, dataset: str, runs: dict[str, list[Inside]]) -> Seen:
        arms = [
            Arm(params.models[model].role, model, names[model], styles[names[model]], found)
            for model, found in runs.items()
            if found
        ]
        missing = {model: names[model] for model, found in runs.items() if not found}
        return Seen(dataset, Comparison(dataset, family, []).label, arms, missing)

    return [seen(*group, runs) for group, runs in shown.items()]


def not_run(names: Iterable[str]) -> list[str]:
    """A sentence about models that are missing; none where there are none."""
    listed = ", ".join(dict.fromkeys(names))
    return [f"Not run: {listed}."] if listed else []


def draw_runs(axes: Axes, places: Sequence[float], runs: Sequence[Sequence[float]], **line: Any) -> None:
    """The mean over runs of their values at each place, and its band; `line` is how the line looks."""
    estimates = [estimate(values) for values in zip(*runs, strict=True)]
    axes.plot(places, [found.mean for found in estimates], **(REPRODUCED | line))
    low = [found.low for found in estimates if found.low is not None]
    high = [found.high for found in estimates if found.high is not None]
    if low and high:
        axes.fill_between(places, low, high, color=line["color"], alpha=0.2, linewidth=0)
