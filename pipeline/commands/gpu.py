"""`python -m pipeline gpu`: all that only a GPU can tell, in the time that there is, the most telling first.

Whether blocks compute what they do on a CPU; one run of GAM and of the Transformer at the paper's size; Mamba's
kernels; training steps and single blocks by the clock. A second call, and further ones, go on with the paper's family:
as many seeds as there is time for. After each part all that is there is packed into one file. A part that fails is
named, and the next one begins. `--dry`: the same on the CPU, with tiny sizes, in a scratch copy under .quickstart/.
"""

import argparse
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from gam.ops.mamba_kernels import have_kernels
from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.base.files import read_json, replacing, write_json
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE
from pipeline.commands.quickstart import cores, dvc_environment, prepare
from pipeline.params.command_line import OneLineParser
from pipeline.params.families import PAPER
from pipeline.params.schema import Params, load_params

FOLDER = paths.GPU_WORK
DONE = FOLDER / "done.json"
"""Names of the parts that ended well."""
PACKED = ("results", "dvc.lock", str(FOLDER))
KERNELS = "kernels of Mamba"
LEFT = 20.0
"""Seconds that are kept for packing, and for a training to save itself."""
SHORTEST = 10.0
"""Seconds with less than which left no part begins."""
DRY = Path(__file__).with_name("gpu_dry.yaml")
SCRATCH = HOUSE / ".quickstart" / "gpu"
"""Where the dry run is made."""


@dataclass(frozen=True)
class Part:
    """Commands that are run one after another; `python -m` stands before each."""

    name: str
    commands: list[list[str]] = field(default_factory=list)


def main() -> None:
    parser = OneLineParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=570.0, help="seconds for all of it")
    parser.add_argument(
        "--pack", type=Path, default=HOUSE / "gpu-results.tar.gz", help="the file that it is packed into"
    )
    parser.add_argument("--dry", action="store_true", help="on the CPU, with tiny sizes")
    args = parser.parse_args()
    if args.limit < LEFT + SHORTEST:
        raise UserError(f"command line: --limit must be at least {LEFT + SHORTEST:g} seconds, got {args.limit:g}")
    until, pack = time.monotonic() + args.limit - LEFT, args.pack.absolute()
    if not args.dry:
        require_gpu()
        run(until, pack, "cuda")
        return
    with only_writer(SCRATCH.with_suffix(".lock"), f"the dry run in {SCRATCH}"):
        prepare(SCRATCH, DRY)
        with chdir(SCRATCH):
            if not Path(".dvc").exists():
                subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], check=True)
            run(until, pack, "cpu")


def require_gpu() -> None:
    """Raise UserError where torch sees none."""
    import torch

    from pipeline.machine.gpu import why_no_cuda

    if not torch.cuda.is_available():
        raise UserError(f"no GPU to measure: {why_no_cuda()}; `make gpu DRY=1` tries everything on the CPU")


def run(until: float, pack: Path, device: str) -> None:
    """Part by part, up to a moment of the clock. Exits with 1 where a part failed."""
    params = load_params()
    FOLDER.mkdir(parents=True, exist_ok=True)
    done: list[str] = read_json(DONE) if DONE.exists() else []
    failed: list[str] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does
    build = start_build() if device == "cuda" and KERNELS not in done else None
    for part in [*first_parts(params, device), *further_parts(params)]:
        if part.name in done:
            continue
        left = until - time.monotonic()
        if left < SHORTEST:
            print("time is up: the same command goes on from here", flush=True)
            break
        started = time.monotonic()
        try:
            ended = run_part(part, until, build if part.name == KERNELS else None)
        except KeyboardInterrupt:
            write_pack(pack)
            raise
        seconds = time.monotonic() - started
        if ended:
            done.append(part.name)
            write_json(DONE, done)
        elif time.monotonic() < until:
            failed.append(part.name)
        write_pack(pack)
        told = "done" if ended else "failed, see below" if time.monotonic() < until else "cut off"
        print(f"{part.name}: {told} in {seconds:.0f} s; packed into {pack}", flush=True)
        if not ended:
            print(last_lines(part), flush=True)
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def first_parts(params: Params, device: str) -> Iterator[Part]:
    """What ten minutes are for."""
    dataset = first_text(params)
    yield Part("parity", [["benchmarks.parity", "--device", device, "--report", str(FOLDER / "parity.json")]])
    if not (HOUSE / paths.tokens(dataset)).exists() and not paths.tokens(dataset).exists():
        yield Part(f"tokens of {dataset}", [["dvc", "repro", f"tokenise@{dataset}"]])
    yield Part("fingerprints", [["dvc", "repro", "--single-item", "check", "fingerprint"]])
    for role in ("gam", "transformer"):
        for model in [name for name in params.families[PAPER].models if params.models[name].role == role]:
            yield training(dataset, model, params.families[PAPER].seeds[0])
    yield Part(KERNELS, [["pytest", "-q", "-rs", str(HOUSE / "tests/gam/test_mamba_kernels.py")]])
    yield Part("timing", [["dvc", "repro", "--single-item", "--force", "timing"]])
    for model in params.scaling.models:
        if params.models[model].role != "mamba":
            yield scaling(model)
    size = [] if device == "cuda" else ["--batch-size", "1", "--length", "64"]
    yield Part(
        "long block", [["benchmarks.long_block", "--device", device, "--report", str(FOLDER / "block.json"), *size]]
    )


def further_parts(params: Params) -> Iterator[Part]:
    """What is worth more time: Mamba's block, and the rest of the paper's family, seed by seed."""
    for model in params.scaling.models:
        if params.models[model].role == "mamba":
            yield scaling(model)
    family = params.families[PAPER]
    for dataset in family.datasets:
        if dataset != first_text(params):
            yield Part(f"tokens of {dataset}", [["dvc", "repro", f"tokenise@{dataset}"]])
    for seed in family.seeds:
        for dataset in family.datasets:
            for model in family.models:
                yield training(dataset, model, seed)


def first_text(params: Params) -> str:
    """A text of the paper's family whose tokens are there, or else its first."""
    texts = params.families[PAPER].datasets
    return next((text for text in texts if paths.tokens(text).exists()), texts[0])


def training(dataset: str, model: str, seed: int) -> Part:
    run = f"{dataset}-{model}-{seed}"
    return Part(run, [["dvc", "repro", "--single-item", f"train@{run}", f"evaluate@{run}"]])


def scaling(model: str) -> Part:
    return Part(f"scaling of {model}", [["dvc", "repro", "--single-item", "--force", f"scaling@{model}"]])


def start_build() -> "subprocess.Popen[bytes] | None":
    """Begin to compile Mamba's kernels, for this GPU alone, beside what comes first; None where they are installed."""
    import torch

    if have_kernels():
        return None
    major, _ = torch.cuda.get_device_capability()
    environment = os.environ | {
        "PYTORCH_NVCC": f"sh {HOUSE / 'docker/nvcc-one.sh'} {major}",
        "MAX_JOBS": str(max(1, cores() // 4)),  # each runs four threads
        "CAUSAL_CONV1D_FORCE_BUILD": "TRUE",
        "MAMBA_FORCE_BUILD": "TRUE",
    }
    install = [
        "pip",
        "install",
        "--no-build-isolation",
        "--constraint",
        str(HOUSE / "constraints.txt"),
        f"{HOUSE}[mamba]",
    ]
    with (FOLDER / "kernels-build.log").open("wb") as log:
        return subprocess.Popen([sys.executable, "-m", *install], env=environment, stdout=log, stderr=log)


def run_part(part: Part, until: float, build: "subprocess.Popen[bytes] | None") -> bool:
    """Whether all commands ended well. What still runs when the time is up is told to save itself, and ends.

    `build` is waited for first.
    """
    try:
        if build and build.wait(timeout=max(1.0, until - time.monotonic())):
            log_of(part).write_text(
                f"the kernels were not built, see {FOLDER / 'kernels-build.log'}\n", encoding="utf-8"
            )
            return False
    except subprocess.TimeoutExpired:
        assert build is not None
        build.kill()
        return False
    environment = dvc_environment()
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(Path.cwd()), str(HOUSE), environment.get("PYTHONPATH")])
    )
    with log_of(part).open("wb") as log:
        for command in part.commands:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], env=environment, stdout=log, stderr=log, start_new_session=True
            )
            try:
                code = process.wait(timeout=max(1.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                end(process)
                return False
            except KeyboardInterrupt:
                end(process)
                raise
            if code:
                return False
    return True


def end(process: "subprocess.Popen[bytes]") -> None:
    """Tell DVC and the stage that it started to save themselves, and wait while there is time for it."""
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    for _ in range(int(10 * LEFT / 2)):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)


def log_of(part: Part) -> Path:
    return FOLDER / f"{part.name.replace(' ', '-')}.log"


def last_lines(part: Part) -> str:
    lines = log_of(part).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-15:])


def write_pack(file: Path) -> None:
    """All results and reports, whole or not at all."""
    with replacing(file) as temporary, tarfile.open(temporary, "w:gz") as archive:
        for name in PACKED:
            if Path(name).exists():
                archive.add(name)
