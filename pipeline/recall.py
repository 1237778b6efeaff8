"""Stages `recall` and `facts`: what a model recalls in tasks whose answers are known, and from how far.

For each case of a task (a distance, a length, a number of facts) the learning rate is chosen on a seed of its own, and
then the model is trained with each of the seeds. A stage that was killed goes on from its last save, at most SAVE_EVERY
seconds and a step old, and ends with the same bytes. A result that is there already, made with all that it depends on
now, is left as it is.
"""

import shutil
import time
from pathlib import Path

from torch import Tensor

from gam import LanguageModel, ModelConfig
from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.recall import AtDistance, CaseResult, RecallResult, TaskRun, made_with, read_recall
from pipeline.artifacts.records import Provenance
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly, require_one_of
from pipeline.base.files import json_sha256, read_checked_json, write_checked_json
from pipeline.base.interruption import Interruption
from pipeline.base.lock import only_writer
from pipeline.data.tasks.cases import case_of
from pipeline.machine.failures import one_line
from pipeline.machine.setup import Machine, start
from pipeline.params.command_line import read_names
from pipeline.params.recall import TaskName, Training
from pipeline.params.schema import Params
from pipeline.training.on_tasks import Job, TaskState, score_by_distance, train_on_task
from pipeline.training.saves import load_tensors, read_newest, tensors_of, write_save

SAVE_EVERY = 50.0
"""Seconds between two saves, so that a kill costs less than a minute."""


def main() -> None:
    args, params = read_names(__doc__, "task", "model")
    task, model = args.task, args.model
    known = params.recall.models_of(task)
    require_one_of("model", model, known, f"recall in {paths.PARAMS}, for {task},")
    interruption = Interruption()
    machine = start(params.runtime.model_copy(update={"threads": params.recall.training.threads}), params.models[model])
    stamp = provenance(machine, params.models[model].precision)
    with only_writer(paths.recall_lock(task, model), f"{task} {model}"):
        if is_finished(params, task, model, stamp):
            print(f"{task} {model}: trained already; to train it again, delete {paths.recall(task, model)} first")
            return
        folder = paths.recall_work(task, model) / work_key(params, task, model, stamp)
        cases = Trainings(params, task, model, folder, machine, interruption).results()
        some_case = case_of(params.recall.task(task), cases[0].case)
        result = RecallResult(
            task=task,
            model=model,
            **made_with(params, task, model),
            block_parameters=block_parameters(params.models[model].block_config()),
            chance=1 / some_case.n_answers,
            cases=cases,
            provenance=stamp,
        )
        write_result(paths.recall(task, model), result)
        shutil.rmtree(folder)


class Trainings:
    """All trainings of one model on one task, with what of them is there already."""

    def __init__(
        self,
        params: Params,
        task: TaskName,
        model: str,
        folder: Path,
        machine: Machine,
        interruption: Interruption,
    ) -> None:
        self.name, self.folder, self.machine, self.interruption = f"{task} {model}", folder, machine, interruption
        self.task, self.training, self.entry = params.recall.task(task), params.recall.training, params.models[model]

    def results(self) -> list[CaseResult]:
        """Case by case: tune and choose, or take the rate of the case before; then train."""
        found: list[CaseResult] = []
        for case in self.task.cases():
            rates = self.training.learning_rates if case in self.task.tuned else []
            tuning = [self.run(case, rate, self.training.tuning_seed) for rate in rates]
            rate = best_rate(tuning, self.training) if tuning else found[-1].learning_rate
            runs = [self.run(case, rate, seed) for seed in self.training.seeds]
            found.append(CaseResult(case=case, tuning=tuning, learning_rate=rate, runs=runs))
        return found

    def job(self, case: int, rate: float, seed: int) -> Job:
        """What one training is to do."""
        made = case_of(self.task, case)
        config = self.entry.config(made.vocab_size)
        return Job(made, config, self.entry.precision, self.training, self.task, rate, seed)

    def run(self, case: int, rate: float, seed: int) -> TaskRun:
        """One training, from its last save on; none where it was finished before."""
        name = f"{self.name} {case}, learning rate {rate}, seed {seed}"
        saves = self.folder / f"{case}-{rate}-{seed}"
        done = saves.with_name(f"{saves.name}.json")
        if done.exists():
            return TaskRun.model_validate(read_checked_json(done, remove=done))
        state = TaskState(self.job(case, rate, seed), self.machine.device)
        if newest := read_newest(saves):
            tensors, notes = newest
            state.steps, state.accuracy = notes["steps"], notes["accuracy"]
            load_tensors(state.model, state.optimiser, tensors)
            print(f"{name}: going on after step {state.steps}")
        saved = time.monotonic()

        def after_step(_loss: Tensor) -> None:
            nonlocal saved
            self.interruption.unsaved = True
            if self.interruption.number is None and time.monotonic() - saved < SAVE_EVERY:
                return
            notes = {"steps": state.steps, "accuracy": state.accuracy}
            write_save(saves, state.steps, tensors_of(state.model, state.optimiser), notes)
            saved = time.monotonic()
            self.interruption.unsaved = False
            if self.interruption.number is not None:
                self.interruption.stop()

        with one_line(name, self.machine.name, "lower batch_size of the task in params.yaml"):
            train_on_task(state, after_step)
        found = score_by_distance(state.model, state.job)
        run = TaskRun(
            learning_rate=rate,
            seed=seed,
            steps=state.steps,
            by_distance=[AtDistance(distance=d, asked=asked, right=right) for d, (asked, right) in found.items()],
        )
        write_checked_json(done, run.model_dump())
        self.interruption.unsaved = False
        if self.interruption.number is not None:
            self.interruption.stop()
        shutil.rmtree(saves, ignore_errors=True)
        print(f"{name}: {run.accuracy:.4f} after {run.steps} steps", flush=True)
        return run


def block_parameters(config: ModelConfig) -> int:
    """Learned values of all blocks, without embeddings."""
    return sum(parameter.numel() for parameter in LanguageModel(config).blocks.parameters())


def best_rate(tuning: list[TaskRun], training: Training) -> float:
    """The rate with the highest accuracy; of those that learn the task, the one that does so in the fewest steps."""
    best = min(tuning, key=lambda run: (-min(run.accuracy, training.stop_at), run.steps))
    return best.learning_rate


def is_finished(params: Params, task: TaskName, model: str, stamp: Provenance) -> bool:
    """Whether the result is there, undamaged, and current."""
    try:
        result = read_recall(params, task, model)
    except UserError:
        return False
    return result is not None and result.provenance.device_type == stamp.device_type


def work_key(params: Params, task: TaskName, model: str, stamp: Provenance) -> str:
    """Hash of all that a training depends on, the machine and its libraries too: another one starts anew."""
    return json_sha256(made_with(params, task, model) | {"with": stamp.model_dump(exclude={"code"})})


if __name__ == "__main__":
    exit_cleanly(main)
