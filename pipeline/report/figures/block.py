"""The paper's figure 1: one GAM block, drawn by code."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from pipeline.report.figures.drawing import COLUMN, SMALL

Place = tuple[float, float]
"""Inches from the left and from the bottom."""

HEIGHT = 5.5
LOCAL, MIDDLE, GLOBAL = 0.6, 1.6, 2.6
"""Where the two paths run, and all else between them."""
SKIP = 3.28
"""Where the residual connections run."""
RADIUS = 0.1
"""Of a sum or a product."""
PATH, GATE, PLAIN = "0.92", "0.8", "white"
"""Fills: of the two paths, of what weighs them, of what any block has."""


_ARROW: dict[str, Any] = {
    "arrowstyle": "-|>", "mutation_scale": 7, "facecolor": "black", "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0
}  # fmt: skip


def block_figure() -> Figure:
    """From the input at the bottom to the output at the top."""
    figure = Figure(figsize=(COLUMN, HEIGHT))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, COLUMN), ylim=(0, HEIGHT))
    axes.set_axis_off()
    _draw_paths(axes)
    _draw_fusion(axes)
    _draw_feed_forward(axes)
    return figure


def _draw_paths(axes: Axes) -> None:
    """From x to the two paths and the gate."""
    _write(axes, (MIDDLE, 0.12), "$x$:  $T$ × $d$")
    _arrow(axes, (MIDDLE, 0.22), (MIDDLE, 0.52))
    _box(axes, (MIDDLE, 0.65), (0.9, 0.26), "LayerNorm")
    _line(axes, (MIDDLE, 0.78), (MIDDLE, 1.0))
    _write(axes, (MIDDLE + 0.1, 0.89), "$n$")
    _line(axes, (LOCAL, 1.0), (GLOBAL, 1.0))
    for column in (LOCAL, MIDDLE, GLOBAL):
        _arrow(axes, (column, 1.0), (column, 1.2))
    _box(axes, (LOCAL, 1.5), (1.06, 0.6), "causal depthwise\nconvolution,\nkernel $k$", PATH)
    _box(axes, (MIDDLE, 1.38), (0.72, 0.36), "Linear\n$d$ → 2$d$", GATE)
    _arrow(axes, (MIDDLE, 1.56), (MIDDLE, 1.74))
    _box(axes, (MIDDLE, 1.87), (0.72, 0.26), "sigmoid", GATE)
    _box(axes, (GLOBAL, 1.5), (1.06, 0.6), "softmax($n$ $M$ᵀ) $M$\nmemory $M$:\nslots × $d$", PATH)


def _draw_fusion(axes: Axes) -> None:
    """From the paths and the gate to the sum with the residual."""
    product, fused, total = 2.4, 2.85, 3.2
    for column, name in ((LOCAL, "local"), (GLOBAL, "global")):
        inwards = RADIUS if column < MIDDLE else -RADIUS
        _arrow(axes, (column, 1.8), (column, product - RADIUS))
        _arrow(axes, (MIDDLE, product), (column + inwards, product))
        _operator(axes, (column, product), "×")
        _write(axes, ((column + MIDDLE) / 2 + inwards / 2, product + 0.1), f"{name} gate", SMALL)
        _write(axes, (column - 2 * inwards, 1.95), f"{name}", SMALL)
        _line(axes, (column, product + RADIUS), (column, fused))
        _arrow(axes, (column, fused), (MIDDLE - inwards * (-1), fused))
    _line(axes, (MIDDLE, 2.0), (MIDDLE, product))
    _operator(axes, (MIDDLE, fused), "+")
    _arrow(axes, (MIDDLE, fused + RADIUS), (MIDDLE, total - RADIUS))
    _residual(axes, 0.34, total)


def _draw_feed_forward(axes: Axes) -> None:
    """From the first sum with the residual to the output."""
    total = 5.02
    _arrow(axes, (MIDDLE, 3.3), (MIDDLE, 3.6))
    _box(axes, (MIDDLE, 3.73), (0.9, 0.26), "LayerNorm")
    _arrow(axes, (MIDDLE, 3.86), (MIDDLE, 4.02))
    _box(axes, (MIDDLE, 4.2), (1.7, 0.36), "Linear $d$ → 4$d$, GELU,\nLinear 4$d$ → $d$")
    _arrow(axes, (MIDDLE, 4.38), (MIDDLE, 4.54))
    _box(axes, (MIDDLE, 4.67), (0.9, 0.26), "dropout")
    _arrow(axes, (MIDDLE, 4.8), (MIDDLE, total - RADIUS))
    _residual(axes, 3.42, total)
    _arrow(axes, (MIDDLE, total + RADIUS), (MIDDLE, 5.3))
    _write(axes, (MIDDLE, 5.39), "output:  $T$ × $d$")


def _residual(axes: Axes, bottom: float, top: float) -> None:
    """A connection around what lies between, and the sum that it ends in."""
    axes.add_patch(Circle((MIDDLE, bottom), 0.025, color="black"))
    _line(axes, (MIDDLE, bottom), (SKIP, bottom))
    _line(axes, (SKIP, bottom), (SKIP, top))
    _arrow(axes, (SKIP, top), (MIDDLE + RADIUS, top))
    _write(axes, (GLOBAL, top + 0.08), "residual", SMALL)
    _operator(axes, (MIDDLE, top), "+")


def _box(axes: Axes, middle: Place, size: Place, text: str, fill: str = PLAIN) -> None:
    (x, y), (width, height) = middle, size
    corner = (x - width / 2 + 0.04, y - height / 2 + 0.04)
    style = "round,pad=0.04,rounding_size=0.05"
    box = FancyBboxPatch(
        corner, width - 0.08, height - 0.08, boxstyle=style, facecolor=fill, edgecolor="black", linewidth=0.8
    )
    axes.add_patch(box)
    _write(axes, middle, text)


def _operator(axes: Axes, middle: Place, sign: str) -> None:
    axes.add_patch(Circle(middle, RADIUS, facecolor="white", edgecolor="black", linewidth=0.8))
    arm = 0.055 if sign == "+" else 0.039
    x, y = middle
    if sign == "+":
        strokes = [((x - arm, y), (x + arm, y)), ((x, y - arm), (x, y + arm))]
    else:
        strokes = [((x - arm, y - arm), (x + arm, y + arm)), ((x - arm, y + arm), (x + arm, y - arm))]
    for begin, end in strokes:
        _line(axes, begin, end)


def _write(axes: Axes, middle: Place, text: str, size: int = 8) -> None:
    axes.text(*middle, text, ha="center", va="center", fontsize=size)


def _line(axes: Axes, begin: Place, end: Place) -> None:
    axes.plot([begin[0], end[0]], [begin[1], end[1]], color="black", linewidth=0.8, solid_capstyle="round")


def _arrow(axes: Axes, begin: Place, end: Place) -> None:
    axes.add_patch(FancyArrowPatch(begin, end, **_ARROW))
