"""What all figures share: their look, which does not depend on the machine, and their way into SVG and PDF."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

COLUMN, PAGE = 3.4, 7.0
"""Widths of a figure in inches: one column of a page in two, and the whole page."""
SMALL = 7
"""Size in points of what is not the main text of a figure, which has 8."""
GREY = "0.35"

_STYLE = Path(__file__).with_name("gam.mplstyle")

# Okabe and Ito's, for any colour vision.
_COLOURS = ["#0072b2", "#e69f00", "#000000", "#d55e00", "#56b4e9", "#009e73", "#cc79a7"]
_DASHES: list[Any] = [(0, (4, 1.5)), (0, (4, 1.2, 1, 1.2)), "-", (0, (1, 1)), (0, (6, 1.2, 1, 1.2, 1, 1.2))]
_MARKERS = ["s", "^", "o", "D", "v", "P"]


@dataclass(frozen=True)
class Look:
    """How the lines of one model are told from those of the others, in black and white too."""

    colour: str
    dash: Any
    marker: str

    def line(self) -> dict[str, Any]:
        """The look as arguments of a line."""
        return {"color": self.colour, "linestyle": self.dash, "marker": self.marker}


def looks(models: list[str]) -> dict[str, Look]:
    """A look for each model, by its place in the list."""
    return {
        model: Look(_COLOURS[i % len(_COLOURS)], _DASHES[i % len(_DASHES)], _MARKERS[i % len(_MARKERS)])
        for i, model in enumerate(models)
    }


@contextmanager
def same_everywhere() -> Iterator[None]:
    """Settings of matplotlib to make and render figures under, whatever the user's own are."""
    with style.context(_STYLE, after_reset=True):
        yield


def rendered(figure: Figure, kind: str, title: str) -> bytes:
    """The bytes of a figure as `svg` or `pdf`, without dates and versions."""
    dateless = {
        "svg": {"Title": title, "Creator": None, "Date": None},
        "pdf": {"Title": title, "Creator": None, "Producer": None, "CreationDate": None},
    }
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=dateless[kind])
    return buffer.getvalue()


def reproduced_key(look: Look, label: str) -> Line2D:
    """The legend's entry of a model that was run."""
    return Line2D([], [], label=label, **look.line(), **REPRODUCED)


def published_key() -> Line2D:
    """The legend's entry of what the paper prints."""
    return Line2D([], [], color=GREY, linestyle="none", marker="o", label="published", **PUBLISHED)


REPRODUCED: dict[str, Any] = {"linewidth": 1.2, "markersize": 3.5}
PUBLISHED: dict[str, Any] = {"linewidth": 0.6, "markersize": 6, "markerfacecolor": "none", "markeredgewidth": 0.8}


def note(figure: Figure, sentences: list[str]) -> None:
    """Write below all panels, each sentence on lines of its own."""
    characters = int(19.4 * figure.get_figwidth())
    figure.supxlabel("\n".join(fill(sentence, characters) for sentence in sentences))


def say(axes: Axes, text: str, x: float = 0.5, y: float = 0.5) -> None:
    """Write into a panel, above what is drawn there; x and y are parts of its width and height."""
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.7", "linewidth": 0.6}
    axes.text(x, y, text, transform=axes.transAxes, ha="center", va="center", color=GREY, bbox=box, zorder=5)
