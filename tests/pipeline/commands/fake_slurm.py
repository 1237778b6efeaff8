"""Slurm's commands, made up: a job is a process of this machine that starts at once, and the queue is a folder."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

COMMANDS = {
    "sbatch": """
if [ -e "$Q/refusal" ]; then cat "$Q/refusal" >&2; exit 1; fi
number=$(($(ls "$Q" | grep -c script) + 1))
cp "$1" "$Q/$number.script"
eval "printf %s $(sed -n 's/^#SBATCH --comment=//p' "$1")" >"$Q/$number.comment"
SLURM_JOB_ID=$number setsid bash -c '
    while bash "$0.script"; [ -e "$0.requeued" ]; do rm "$0.requeued"; done; rm -f "$0.queued"
' "$Q/$number" </dev/null >"$Q/$number.output" 2>&1 &
echo $! >"$Q/$number.queued"
echo "Submitted batch job $number"
""",
    "srun": """
while [[ $1 == --* ]]; do if [ "$1" = --output ]; then log=$2; shift; fi; shift; done
echo $$ >"$Q/$SLURM_JOB_ID.step"
exec "$@" >>"$log" 2>&1
""",
    "squeue": """
if [ -e "$Q/silent" ]; then exit 1; fi
cd "$Q"
for file in *.queued; do
    if [ -e $file ]; then echo "${file%.queued}|RUNNING|$(cat ${file%.queued}.comment)"; fi
done
""",
    "scancel": """
kill -KILL -- -$(cat "$Q/$1.queued")
rm "$Q/$1.queued"
""",
    "scontrol": """
touch "$Q/$2.requeued"
""",
}
"""Of a job, N.queued holds the process group as long as it is in the queue, N.step the process that srun became."""
CLUSTER = "{partition: null, account: null, minutes: 30, cpus: 1, gpus: 0, memory_gb: 1, setup: [], python: null}"


class FakeSlurm:
    """On PATH as long as a test lasts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.queue = folder / "queue"
        self.queue.mkdir(parents=True)
        for name, code in COMMANDS.items():
            (folder / name).write_text(f'#!/bin/bash\nQ="{self.queue}"\n{code}')
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))

    def scripts(self) -> dict[str, str]:
        """What was submitted, by the number of the job."""
        return {file.stem: file.read_text() for file in self.queue.glob("*.script")}

    def kill(self, number: str) -> None:
        """A job and all that it started, without a word."""
        os.killpg(int((self.queue / f"{number}.queued").read_text()), signal.SIGKILL)
        (self.queue / f"{number}.queued").unlink()

    def say_that_time_is_up(self, number: str) -> None:
        """As Slurm does, to the step and to all that it started."""
        step = psutil.Process(int((self.queue / f"{number}.step").read_text()))
        for process in [*step.children(recursive=True), step]:
            process.send_signal(signal.SIGUSR2)

    def end(self) -> None:
        for file in self.queue.glob("*.queued"):
            self.kill(file.stem)


def wait_for(path: Path) -> None:
    begun = time.monotonic()
    while not path.exists():
        assert time.monotonic() - begun < 60, f"{path} did not appear"
        time.sleep(0.05)
