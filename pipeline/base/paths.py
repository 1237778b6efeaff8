"""Where every artifact lies, relative to the repository's root. dvc.yaml names the same paths; a test compares them."""

from pathlib import Path

HOUSE = Path(__file__).parents[2]
"""The folder of this code, wherever a stage runs."""
MIRROR = "GAM_DATASETS_MIRROR"
"""Environment variable: a folder with <origin.name>/<split>-*.parquet, used in place of the Hub."""

GRAPH = Path("dvc.yaml")
PARAMS = Path("params.yaml")
CLUSTER = Path("cluster.yaml")
"""What a job asks of Slurm."""
PARAMS_ARE_VALID = Path("data/params.valid")
RUNS = Path("runs")
WORK = Path("work")
LOGS = WORK / "logs"
"""Folder of what stages print, a file each."""
SLURM = WORK / "slurm"
"""Folder of the stages that run on nodes, a folder each."""
EXPORTS = Path("exports")
"""Folder of models that can be taken away."""
REPORT = Path("report/index.html")
RESULTS = Path("results")
PAPER_TABLES = Path("paper_tables")
FIGURES = PAPER_TABLES / "figures"
FINDINGS = Path("docs/findings.md")
FLOPS = RESULTS / "flops.json"
"""How many operations the training of each model takes."""
PEAKS = RESULTS / "peak"
"""Folder of what devices compute at most, a file for each."""
TIMINGS = RESULTS / "timing"
"""Folder of the times of training steps, a file for each device."""
SCALINGS = RESULTS / "scaling"
"""Folder of what single blocks cost: of each model a folder, in it a file for each device."""
TASKS_FINGERPRINT = RESULTS / "fingerprint" / "tasks.json"
"""What the tasks of `recall` and the training on them compute on a tiny case."""
GPU_WORK = WORK / "gpu"
"""Folder of what the command gpu says and measures that is no result of a stage."""
TIMING_WORK = WORK / "timing"
"""Folder of the measurements that are finished, while others are still to be made."""
PROGRESS = "progress.json"
"""In the folder of a training's saves: how far it is."""
TRACKED = WORK / "tracked"
"""Folder of what `watch` told the trackers, one folder in it for each of them."""


def raw(dataset: str) -> Path:
    """Folder of the rows of each split."""
    return Path("data/raw", dataset)


def tokens(dataset: str) -> Path:
    """Folder of the tokenizer and the token ids of each split."""
    return Path("data/tokens", dataset)


def weights(dataset: str, model: str, seed: int) -> Path:
    """Weights at the end of a run."""
    return RUNS / dataset / model / f"seed-{seed}.safetensors"


def work(dataset: str, model: str, seed: int) -> Path:
    """Folder of the saves of a run in progress, one folder in it for each set of what the run depends on."""
    return WORK / dataset / model / f"seed-{seed}"


def lock(dataset: str, model: str, seed: int) -> Path:
    """Locked by the process that trains a run."""
    return WORK / dataset / model / f"seed-{seed}.lock"


def curve(dataset: str, model: str, seed: int) -> Path:
    """What a run computed: losses by epoch."""
    return RESULTS / "curves" / dataset / model / f"seed-{seed}.json"


def diverged(dataset: str, model: str, seed: int) -> Path:
    """Where a training ended whose loss was not finite: it has no curve."""
    return RESULTS / "diverged" / dataset / model / f"seed-{seed}.json"


def clock(dataset: str, model: str, seed: int) -> Path:
    """What the clock said during a run."""
    return RESULTS / "clocks" / dataset / model / f"seed-{seed}.json"


def metrics(dataset: str, model: str, seed: int) -> Path:
    """What the weights of a run are worth."""
    return RESULTS / "metrics" / dataset / model / f"seed-{seed}.json"


def tuning(dataset: str, model: str) -> Path:
    """What learning rates are worth for a model."""
    return RESULTS / "tuning" / dataset / f"{model}.json"


def inside(dataset: str, model: str, seed: int) -> Path:
    """What the weights of a run do with context, and what its parts do."""
    return RESULTS / "inside" / dataset / model / f"seed-{seed}.json"


def ngrams(dataset: str) -> Path:
    """What counts of tokens are worth on a data set."""
    return RESULTS / "ngrams" / f"{dataset}.json"


def peak(device: str) -> Path:
    """What a device computes at most."""
    return PEAKS / f"{device}.json"


def timing(device: str) -> Path:
    """Times of training steps on a device."""
    return TIMINGS / f"{device}.json"


def scaling(model: str, device: str) -> Path:
    """Time and memory of one block of a model against the length of its input."""
    return SCALINGS / model / f"{device}.json"


def training_fingerprint(model: str) -> Path:
    """What a model and its training compute on a tiny case."""
    return RESULTS / "fingerprint" / f"{model}.training.json"


def evaluation_fingerprint(model: str) -> Path:
    """What evaluating that tiny case gives."""
    return RESULTS / "fingerprint" / f"{model}.evaluation.json"


def inside_fingerprint(model: str) -> Path:
    """What looking inside that tiny case gives."""
    return RESULTS / "fingerprint" / f"{model}.inside.json"


def recall(task: str, model: str) -> Path:
    """What a model recalls in a task, and from how far."""
    return RESULTS / "recall" / task / f"{model}.json"


def recall_work(task: str, model: str) -> Path:
    """Folder of its trainings, finished and in progress, one folder in it for each set of what they depend on."""
    return WORK / "recall" / task / model


def recall_lock(task: str, model: str) -> Path:
    """Locked by the process that trains them."""
    return WORK / "recall" / task / f"{model}.lock"
