"""What is measured on a GPU, part by part, the most telling first."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.params.families import PAPER
from pipeline.params.schema import Params

FOLDER = paths.GPU_WORK
KERNELS = "kernels of Mamba"


@dataclass(frozen=True)
class Part:
    """Commands that are run one after another; `python -m` stands before each."""

    name: str
    commands: list[list[str]] = field(default_factory=list)
    needs: str | None = None
    """The part without which this one cannot be made."""


def first_parts(params: Params, device: str) -> Iterator[Part]:
    """What ten minutes are for."""
    dataset = first_text(params)
    yield Part("parity", [["benchmarks.parity", "--device", device, "--report", str(FOLDER / "parity.json")]])
    if not paths.tokens(dataset).exists():
        yield Part(f"tokens of {dataset}", [["dvc", "repro", f"tokenise@{dataset}"]])
    yield Part("fingerprints", [["pipeline", "grid", "--jobs", "1", "fingerprint"]])
    for role in ("gam", "transformer"):
        for model in [name for name in params.families[PAPER].models if params.models[name].role == role]:
            yield training(dataset, model, params.families[PAPER].seeds[0])
    yield Part(KERNELS, [["pytest", "-q", "-rs", str(HOUSE / "tests/gam/test_mamba_kernels.py")]])
    yield Part("peak", [["dvc", "repro", "--single-item", "--force", "peak"]])
    yield Part("timing", [["dvc", "repro", "--single-item", "--force", "timing"]])
    for model in params.scaling.models:
        if params.models[model].role != "mamba":
            yield scaling(model)
    size = [] if device == "cuda" else ["--batch-size", "1", "--length", "64"]
    yield Part(
        "long block", [["benchmarks.long_block", "--device", device, "--report", str(FOLDER / "block.json"), *size]]
    )


def further_parts(params: Params) -> Iterator[Part]:
    """What is worth more time: Mamba's block, and the rest of the paper's family, text by text: five seeds of one say
    more than two of each."""
    for model in params.scaling.models:
        if params.models[model].role == "mamba":
            yield scaling(model)
    family, first = params.families[PAPER], first_text(params)
    for dataset in [first, *(text for text in family.datasets if text != first)]:
        tokens = None if dataset == first else f"tokens of {dataset}"
        if tokens:
            yield Part(tokens, [["dvc", "repro", f"tokenise@{dataset}"]])
        for seed in family.seeds:
            for model in family.models:
                yield training(dataset, model, seed, needs=tokens)


def first_text(params: Params) -> str:
    """A text of the paper's family whose tokens are there, or else its first."""
    texts = params.families[PAPER].datasets
    return next((text for text in texts if paths.tokens(text).exists()), texts[0])


def training(dataset: str, model: str, seed: int, needs: str | None = None) -> Part:
    run = f"{dataset}-{model}-{seed}"
    return Part(run, [["dvc", "repro", "--single-item", f"train@{run}", f"evaluate@{run}"]], needs)


def scaling(model: str) -> Part:
    return Part(f"scaling of {model}", [["dvc", "repro", "--single-item", "--force", f"scaling@{model}"]])
