"""What learning rates are worth for each model whose rate is tuned: a panel for each text."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pipeline.artifacts.records import TuningResult
from pipeline.artifacts.settings import read_tuning
from pipeline.params.schema import Params
from pipeline.report.figures.drawing import COLUMN, REPRODUCED, Look, looks, note, reproduced_key
from pipeline.report.groups import member
from pipeline.report.published import Published

CHOSEN: dict[str, Any] = {"markersize": 9, "markerfacecolor": "none", "markeredgewidth": 0.8}


def tuning_figures(params: Params, published: Published) -> dict[str, Figure]:
    """The figure by its name; none where nothing was tuned."""
    found = [tuning for run in params.tuned() if (tuning := read_tuning(params, *run))]
    if not found:
        return {}
    names = {tuning.model: member(params, tuning.model).name(published) for tuning in found}
    styles = looks(list(dict.fromkeys(names.values())))
    texts = list(dict.fromkeys(tuning.dataset for tuning in found))
    figure = Figure(figsize=(COLUMN * len(texts), 3.6), layout="constrained")
    for i, text in enumerate(texts):
        axes = figure.add_subplot(1, len(texts), i + 1)
        here = [tuning for tuning in found if tuning.dataset == text]
        for tuning in here:
            _draw(axes, tuning, styles[names[tuning.model]])
        _label(axes, text, here)
    figure.legend(
        handles=[reproduced_key(look, name) for name, look in styles.items()], loc="outside upper center", ncols=2
    )
    note(
        figure,
        [
            "Validation loss, less the lowest of the same model.",
            f"One short training each, over {params.tuning.share:.0%} of the training blocks, on seed "
            f"{params.tuning.seed}, which no run has.",
            "Circles: the learning rate that the runs take. A rate without a point: the loss was not finite.",
        ],
    )
    return {"tuning": figure}


def _draw(axes: Axes, tuning: TuningResult, look: Look) -> None:
    """Above the model's own best: which model is better is for the runs to tell, not for one seed."""
    best = tuning.best
    lowest = best.validation_loss or 0.0
    above = {trial.learning_rate: trial.validation_loss - lowest for trial in tuning.trials if trial.validation_loss}
    axes.plot(list(above), list(above.values()), **look.line(), **REPRODUCED)
    axes.plot([best.learning_rate], [0.0], color=look.colour, marker="o", **CHOSEN)


def _label(axes: Axes, text: str, found: list[TuningResult]) -> None:
    rates = sorted({trial.learning_rate for tuning in found for trial in tuning.trials})
    axes.set_title(text)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(rates))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss above its best / (nats/token)")
