"""Result files as the stages would have written them, with numbers that are made up."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.artifacts.inside_records import ContextLoss, Inside
from pipeline.artifacts.recall import AtDistance, CaseResult, RecallResult, TaskRun, made_with
from pipeline.artifacts.records import (
    Clock,
    Code,
    Curve,
    EpochLosses,
    EpochSeconds,
    Metrics,
    Ngrams,
    Provenance,
    SplitMetrics,
    Trial,
    TuningResult,
)
from pipeline.artifacts.settings import fingerprint_sha256, recorded_settings, settings_of
from pipeline.artifacts.storage import write_result as write
from pipeline.base import paths
from pipeline.params.reading import read_yaml
from pipeline.params.recall import Copying, TaskName
from pipeline.params.schema import load_params

STAMP = Provenance(
    code=Code(commit="a" * 40 + "-dirty", sha256="0" * 64),
    data={"train": "1" * 64},
    packages={"python": "3.11.0", "torch": "2.13.0", "mamba-ssm": None},
    mamba_kernels=False,
    device="Test & Device_1",
    device_type="cpu",
    threads=2,
    deterministic=True,
    allocator="none",
    precision="float32",
)


def split_metrics(loss: float) -> SplitMetrics:
    return SplitMetrics(
        loss=loss,
        perplexity=100 * loss,  # not exp(loss): a table must take it from the file
        token_loss=loss,
        token_perplexity=1,
        bits_per_byte=1,
        word_perplexity=1,
        targets=10,
    )


def run_fields(model: str, seed: int, dataset: str = "stories", stamp: Provenance = STAMP) -> dict[str, Any]:
    """What all files of a run have in common."""
    weights = sha256(f"{dataset} {model} {seed}".encode()).hexdigest()
    return {"dataset": dataset, "model": model, "seed": seed, "weights": weights, "provenance": stamp}


def write_run(
    model: str, seed: int, losses: Sequence[float], dataset: str = "stories", stamp: Provenance = STAMP
) -> None:
    """Curve, clock and metrics of a run with these validation losses, whose epochs take 10, 20, ... seconds."""
    run, params = run_fields(model, seed, dataset, stamp), read_yaml(Path("params.yaml"))
    text = params["datasets"].get(dataset, {})
    data = {key: text[key] for key in ("origin", "rows", "vocab_size") if key in text}
    made_with = {
        "data": data,
        "entry": params["models"].get(model, {}),
        "train": _settings(dataset, model) if dataset in params["datasets"] else params["train"],
        "fingerprint": fingerprint_sha256(model),
    }
    epochs = [
        EpochLosses(epoch=at, steps=5 * at, train_loss=9, validation_loss=loss) for at, loss in enumerate(losses, 1)
    ]
    seconds = [
        EpochSeconds(epoch=at, train_seconds=10 * at, validation_seconds=1, tokens_per_second=7)
        for at in range(1, len(losses) + 1)
    ]
    write(paths.curve(dataset, model, seed), Curve(**run, **made_with, parameters=1_250_000, epochs=epochs, earlier=[]))
    write(paths.clock(dataset, model, seed), Clock(**run, epochs=seconds))
    splits: Any = {"validation": split_metrics(losses[-1]), "test": split_metrics(losses[-1] + 1)}
    write_metrics(run, splits=splits)


def _settings(dataset: str, model: str) -> dict[str, Any]:
    params = load_params()
    settings = settings_of(params, dataset, model)
    assert settings is not None
    return recorded_settings(params, dataset, model, settings)


def write_tuning(
    model: str, losses: Mapping[float, float | None], dataset: str = "stories", stamp: Provenance = STAMP
) -> None:
    """Learning rates with these validation losses."""
    params = load_params()
    protocol = params.protocol(dataset, model)
    assert protocol is not None
    result = TuningResult(
        dataset=dataset,
        model=model,
        data=params.datasets[dataset].what(),
        entry=params.models[model].as_written(),
        protocol=protocol.model_dump(),
        tuning=params.tuning.model_dump(),
        fingerprint=fingerprint_sha256(model),
        trials=[Trial(learning_rate=rate, steps=10, validation_loss=loss) for rate, loss in losses.items()],
        provenance=stamp,
    )
    write(paths.tuning(dataset, model), result)


def write_metrics(run: dict[str, Any], **changes: Any) -> None:
    """Metrics of the run with these `run_fields`, of a model that sees 5 tokens and has no gates."""
    splits: Any = {"validation": split_metrics(5.0), "test": split_metrics(5.0)}
    values = {"splits": splits, "reach_by_gradient": 5, "reach_by_change": 5, "gates": []}
    write(paths.metrics(run["dataset"], run["model"], run["seed"]), Metrics(**run, **(values | changes)))


def write_inside(model: str, seed: int, dataset: str = "stories", **changes: Any) -> None:
    """What was seen inside a run of blocks of 32 tokens: its loss falls by 1 from the first to the last, no parts."""
    contexts = [ContextLoss(tokens=2**power, loss=5 - power / 5) for power in range(6)]
    values: dict[str, Any] = {
        "blocks": 3,
        "position_losses": [5 - at / 31 for at in range(32)],
        "context_losses": contexts,
        "path_blocks": 2,
        "slot_blocks": 3,
        "paths": [],
        "slots": [],
    }
    write(paths.inside(dataset, model, seed), Inside(**(run_fields(model, seed, dataset) | values | changes)))


def write_ngrams(
    unigram: float, bigram: float, dataset: str = "stories", stamp: Provenance = STAMP, trigram: float | None = None
) -> None:
    """Counts with these losses on validation, and a little more on test. Older files have no trigram."""
    params = load_params()
    models: Any = {
        name: {"validation": split_metrics(loss), "test": split_metrics(loss + 1)}
        for name, loss in (("unigram", unigram), ("bigram", bigram), ("trigram", trigram))
        if loss is not None
    }
    result = Ngrams(
        dataset=dataset,
        data=params.datasets[dataset].what(),
        block_size=params.datasets[dataset].block_size,
        batch_size=params.train.batch_size,
        models=models,
        provenance=stamp,
    )
    write(paths.ngrams(dataset), result)


def only_file(folder: Path) -> Path:
    """That of the only device that something was measured on."""
    (file,) = folder.glob("*.json")
    return file


def write_recall(
    task: TaskName, model: str, cases: dict[int, dict[int, float]], asked: int = 10_000, stamp: Provenance = STAMP
) -> None:
    """A model on a task: by case and distance the accuracy of all seeds, from `asked` questions each."""
    params = load_params()
    training, settings = params.recall.training, params.recall.task(task)
    values = settings.symbols if isinstance(settings, Copying) else settings.values  # type: ignore[attr-defined]

    def run(accuracies: dict[int, float], seed: int) -> TaskRun:
        parts = [
            AtDistance(distance=distance, asked=asked, right=round(asked * accuracy))
            for distance, accuracy in accuracies.items()
        ]
        return TaskRun(learning_rate=training.learning_rates[0], seed=seed, steps=10, by_distance=parts)

    made = [
        CaseResult(
            case=case,
            tuning=[run(accuracies, training.tuning_seed)] if case in settings.tuned else [],
            learning_rate=training.learning_rates[0],
            runs=[run(accuracies, seed) for seed in training.seeds],
        )
        for case, accuracies in cases.items()
    ]
    result = RecallResult(
        task=task,
        model=model,
        **made_with(params, task, model),
        block_parameters=1234,
        chance=1 / values,
        cases=made,
        provenance=stamp,
    )
    write(paths.recall(task, model), result)
