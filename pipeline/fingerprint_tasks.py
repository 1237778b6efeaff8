"""Stage `fingerprint_tasks`: what the tasks of `recall`, the training on them and the test after it compute.

The stage `recall` depends on these numbers and on a model's fingerprint, and on no source file.
"""

import torch

from gam.config import GAMConfig
from pipeline.artifacts.fingerprints import keep_or_write
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.data.tasks.cases import case_of
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.recall import Associative, Copying, Facts, Task, Training
from pipeline.training.on_tasks import Job, TaskState, score_by_distance, train_on_task

# A large rate and decay and a low clipping bound: within a few steps each must leave its trace.
TRAINING = Training(
    learning_rates=[0.02, 0.03], tuning_seed=1, seeds=[0], threads=1, check_every=4, stop_at=1.0, queries=300,
    warmup_steps=3, beta1=0.9, beta2=0.95, weight_decay=0.5, clip_norm=0.5,
)  # fmt: skip
TASKS: list[Task] = [
    Copying(distances=[2], tuned=[2], symbols=5, asked=6, batch_size=4, steps=12),
    Associative(lengths=[12], pairs=[3], tuned=[12], keys=6, values=4, batch_size=4, steps=12),
    Facts(pairs=[20], tuned=[20], values=5, batch_size=8, steps=12),
]


def main() -> None:
    _, params = read_names(__doc__)
    start(params.runtime.model_copy(update={"device": "cpu"}))
    keep_or_write(paths.TASKS_FINGERPRINT, {type(task).__name__.lower(): compute(task) for task in TASKS})


def compute(task: Task) -> dict[str, list[float]]:
    """The losses of some steps, and the right answers after them."""
    case = case_of(task, task.cases()[0])
    config = GAMConfig(
        vocab_size=case.vocab_size, block_size=16, d_model=8, n_layer=2, dropout=0.0, init="normal", init_std=0.3,
        n_slot=4, kernel_size=3,
    )  # fmt: skip
    job = Job(case, config, "float32", TRAINING, task, rate=0.02, seed=0)
    state, losses = TaskState(job, torch.device("cpu")), []
    train_on_task(state, lambda loss: losses.append(loss.item()))
    found = score_by_distance(state.model, job)
    return {
        "losses": losses,
        "first_batch": case.batch(0, "train", 0, 4).tokens.flatten().tolist(),
        "asked": [asked for asked, _ in found.values()],
    }


if __name__ == "__main__":
    exit_cleanly(main)
