"""Stage `scaling`: one block of a model, forward and backward, at many lengths -> results/scaling (Table 2).

Each point is measured in a process of its own (pipeline.evaluation.block_cost): running out of memory is an outcome,
and no point inherits the memory of another. Deterministic mode is off, as it was for the published times.
"""

import multiprocessing
import signal

from pipeline.artifacts.provenance import provenance
from pipeline.artifacts.records import ScalingPoint, ScalingResult
from pipeline.artifacts.storage import write_result
from pipeline.base import paths
from pipeline.base.errors import exit_cleanly
from pipeline.evaluation.block_cost import Job, measure
from pipeline.machine.setup import start
from pipeline.params.command_line import read_names
from pipeline.params.schema import Params


def main() -> None:
    args, params = read_names(__doc__, "model")
    params = params.model_copy(update={"runtime": params.runtime.model_copy(update={"deterministic": False})})
    machine = start(params.runtime, params.models[args.model])
    on = params.scaling.on(machine.device.type)
    points = [measure_apart(job) for job in jobs(params, args.model, machine.device.type)]
    result = ScalingResult(
        model=args.model,
        entry=params.models[args.model].as_written(),
        on=on,
        warmup=params.scaling.warmup,
        repetitions=params.scaling.repetitions,
        cap_gib=params.scaling.cap.gib,
        points=points,
        provenance=provenance(machine, on.precision),
    )
    write_result(paths.scaling(args.model), result)


def jobs(params: Params, model: str, device_type: str) -> list[Job]:
    """All points of one model: every length with all of the memory, then with the cap."""
    settings, on = params.scaling, params.scaling.on(device_type)
    return [
        Job(
            runtime=params.runtime,
            config=params.models[model].block_config(),
            on=on,
            length=length,
            warmup=settings.warmup,
            repetitions=settings.repetitions,
            cap=cap,
        )
        for cap in (None, settings.cap)
        for length in on.lengths
    ]


def measure_apart(job: Job) -> ScalingPoint:
    """`measure(job)` in a process of its own. The kernel's killing it for want of memory counts as out of memory."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.evaluation.block_cost"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_and_send, args=(job, sender), daemon=True)
    process.start()
    sender.close()
    try:
        point: ScalingPoint = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode != -signal.SIGKILL:
            raise RuntimeError(f"the process that measured {job} died with exit code {process.exitcode}") from None
        point = job.out_of_memory()
    process.join()
    text = f"{sum(point.milliseconds) / len(point.milliseconds):.1f} ms" if point.status == "ok" else "out of memory"
    print(f"{point.length} tokens, memory of the {point.memory}: {text}", flush=True)
    return point


def _measure_and_send(job: Job, sender: "multiprocessing.connection.Connection[ScalingPoint, None]") -> None:
    sender.send(measure(job))


if __name__ == "__main__":
    exit_cleanly(main)
