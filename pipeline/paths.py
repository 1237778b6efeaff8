"""Where every artifact lies, relative to the repository's root. dvc.yaml names the same paths; a test compares them."""

from pathlib import Path

PARAMS = Path("params.yaml")
PARAMS_ARE_VALID = Path("data/params.valid")
RESULTS = Path("results")
PAPER_TABLES = Path("paper_tables")


def raw(dataset: str) -> Path:
    """Folder of the rows of each split."""
    return Path("data/raw", dataset)


def tokens(dataset: str) -> Path:
    """Folder of the tokenizer and the token ids of each split."""
    return Path("data/tokens", dataset)


def weights(dataset: str, model: str, seed: int) -> Path:
    """Weights at the end of a run."""
    return Path("runs", dataset, model, f"seed-{seed}.safetensors")


def curve(dataset: str, model: str, seed: int) -> Path:
    """What a run computed: losses by epoch."""
    return RESULTS / "runs" / dataset / model / f"seed-{seed}.curve.json"


def clock(dataset: str, model: str, seed: int) -> Path:
    """What the clock said during a run."""
    return RESULTS / "runs" / dataset / model / f"seed-{seed}.clock.json"


def metrics(dataset: str, model: str, seed: int) -> Path:
    """What the weights of a run are worth."""
    return RESULTS / "runs" / dataset / model / f"seed-{seed}.metrics.json"


def training_fingerprint(model: str) -> Path:
    """What a model and its training compute on a tiny case."""
    return RESULTS / "fingerprint" / f"{model}.training.json"


def evaluation_fingerprint(model: str) -> Path:
    """What evaluating that tiny case gives."""
    return RESULTS / "fingerprint" / f"{model}.evaluation.json"
