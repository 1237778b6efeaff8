"""`python -m pipeline gpu`: all that only a GPU can tell, in the time that there is, the most telling first.

Whether blocks compute what they do on a CPU; one run of GAM and of the Transformer at the paper's size; Mamba's
kernels; training steps and single blocks by the clock. A second call, and further ones, go on with the paper's family,
text by text: as many seeds as there is time for. After each part all that is there is packed into one file. A part that
fails is named, and the next one begins. `--dry`: the same on the CPU, with tiny sizes, in a scratch copy under
.quickstart/.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import chdir
from pathlib import Path

import torch

from gam.ops.mamba_kernels import have_kernels
from pipeline.base.errors import UserError
from pipeline.base.files import read_json, replacing, write_json
from pipeline.base.lock import only_writer
from pipeline.base.paths import HOUSE
from pipeline.commands import workers
from pipeline.commands.gpu_parts import FOLDER, KERNELS, Part, first_parts, further_parts
from pipeline.commands.quickstart import cores, dvc_environment, prepare
from pipeline.machine import gpu
from pipeline.machine.nvidia_smi import ask
from pipeline.params.command_line import OneLineParser
from pipeline.params.schema import load_params

PACKED = ("results", "dvc.lock", str(FOLDER))
LEFT = 20.0
"""Seconds that are kept for packing, and for a training to save itself."""
SHORTEST = 10.0
"""Seconds with less than which left no part begins."""
DRY = Path(__file__).with_name("gpu_dry.yaml")
SCRATCH = HOUSE / ".quickstart" / "gpu"
"""Where the dry run is made."""


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
        run(until, pack, "cuda", visible().get("name", "gpu"))
        return
    with only_writer(SCRATCH.with_suffix(".lock"), f"the dry run in {SCRATCH}"):
        prepare(SCRATCH, DRY)
        with chdir(SCRATCH):
            if not Path(".dvc").exists():
                subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], check=True)
            run(until, pack, "cpu", "dry")


def require_gpu() -> None:
    """Raise UserError where torch sees none."""
    if not torch.cuda.is_available():
        raise UserError(f"no GPU to measure: {gpu.why_no_cuda()}; `make gpu DRY=1` tries everything on the CPU")


def visible() -> dict[str, str]:
    """Name and compute capability of the first GPU that may be used, which is left alone."""
    return ask(next(iter(workers.gpus()), None), "name", "compute_cap")


def done_file(name: str) -> Path:
    """Holds the names of the parts that ended well on a GPU."""
    return FOLDER / f"done-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.json"


def run(until: float, pack: Path, device: str, name: str) -> None:
    """Part by part, up to a moment of the clock. Exits with 1 where a part failed."""
    params, file = load_params(), done_file(name)
    FOLDER.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does
    build = start_build() if device == "cuda" and KERNELS not in already_done(file) else None
    try:
        failed = run_parts([*first_parts(params, device), *further_parts(params)], until, pack, file, build)
    finally:
        write_pack(pack)
        if build and build.poll() is None:
            build.terminate()
    if failed:
        print(f"error: failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def already_done(file: Path) -> list[str]:
    """Names of the parts that need not be made again."""
    done: list[str] = read_json(file) if file.exists() else []
    return done


def run_parts(
    parts: list[Part], until: float, pack: Path, file: Path, build: "subprocess.Popen[bytes] | None"
) -> list[str]:
    """All that are not done yet, as far as there is time; the names of those that failed."""
    done, failed = already_done(file), []
    for part in parts:
        if part.name in done or part.needs in failed:
            continue
        if until - time.monotonic() < SHORTEST:
            print("time is up: the same command goes on from here", flush=True)
            break
        started = time.monotonic()
        ended = run_part(part, until, build if part.name == KERNELS else None)
        is_cut_off = not ended and time.monotonic() >= until
        if ended:
            done.append(part.name)
            write_json(file, done)
        elif not is_cut_off:
            failed.append(part.name)
        write_pack(pack)
        told = "done" if ended else "cut off" if is_cut_off else "failed, see below"
        print(f"{part.name}: {told} in {time.monotonic() - started:.0f} s; packed into {pack}", flush=True)
        if not ended:
            print(last_lines(part), flush=True)
    return failed


def start_build() -> "subprocess.Popen[bytes] | None":
    """Begin to compile Mamba's kernels, for this GPU alone, beside what comes first; None where they are installed."""
    if have_kernels():
        return None
    major = visible().get("compute_cap", "").partition(".")[0]
    environment = os.environ | {
        "PYTORCH_NVCC": f"sh {HOUSE / 'docker/nvcc-one.sh'} {major or 'any'}",
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
