"""Made-up results for the figures, and what is written in a figure."""

from matplotlib.artist import Artist
from matplotlib.text import Text

from tests.conftest import Workspace
from tests.made_up import write_run
from tests.made_up_costs import scaling_point, write_scaling

NAMES = [
    "compute_time", "epoch_time", "gam_block", "growth", "peak_memory", "recall", "validation_loss",
    "validation_perplexity",
]  # fmt: skip
FILES = [f"{name}.{kind}" for name in NAMES for kind in ("pdf", "svg")]


def write_lengths(model: str, fits: int) -> None:
    """Lengths 64 to 256; from the one above `fits` on it is out of memory."""
    points = [
        scaling_point(length, 0.1 * length, 2.0 * length, noise=1.0)
        if length <= fits
        else scaling_point(length, None, None, fits_cap=False)
        for length in (64, 128, 256)
    ]
    write_scaling(model, points)


def write_all(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1, 2]}}, "scaling": {"models": ["transformer", "gam"]}})
    for model, loss in (("transformer", 3.0), ("gam", 2.5)):
        for seed in (0, 1, 2):
            write_run(model, seed, [loss + 1 + 0.1 * seed, loss + 0.5 + 0.1 * seed])
    write_lengths("transformer", 128)
    write_lengths("gam", 256)


def texts(drawn: Artist) -> str:
    """Everything that is written in a figure, or in a part of it."""
    return "\n".join(text.get_text() for text in drawn.findobj(Text))
