"""A Slurm of its own for a test: a controller and two nodes, all on the loopback device of this machine."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

DAEMONS = ("munged", "slurmctld", "slurmd")
NODES = ("n1", "n2")
SECONDS_TO_START = 60.0
CONF = """
ClusterName=made
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
JobRequeue=1
ReturnToService=2
SlurmdTimeout=10
KillWait=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=2 CoresPerSocket=2 RealMemory=8000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=2 CoresPerSocket=2 RealMemory=8000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""
"""As small as it goes: no accounting, no cgroups; a node that is silent for ten seconds is down."""


def why_not() -> str | None:
    """Why no Slurm can be started here; None where it can."""
    if os.geteuid() != 0:
        return "slurmd was tried as root alone"
    missing = [name for name in DAEMONS if shutil.which(name, path=_path()) is None]
    return f"{', '.join(missing)} not installed: apt-get install slurm-wlm munge" if missing else None


class Slurm:
    """One that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PATH": _path(), "SLURM_CONF": str(folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self, *states: str) -> dict[str, str]:
        """Names of jobs, and their numbers. Without states: all that the controller still knows of."""
        chosen = ",".join(states) or "all"
        lines = self.call("squeue", "--noheader", "--states", chosen, "--Format", "Name:80,JobID:20").splitlines()
        return dict(line.split() for line in lines)

    def start_node(self, name: str) -> None:
        self.call("slurmd", "-N", name)

    def kill_node(self, name: str) -> None:
        """The daemon alone, as where a node no longer answers: what runs on it goes on."""
        _end(self.folder / f"{name}.pid", signal.SIGKILL)

    def hurry(self) -> None:
        """Slurm holds a job back for two minutes before it starts it again: have it start those now."""
        for number in self.jobs("PENDING").values():
            with suppress(AssertionError):  # it has just begun
                self.call("scontrol", "update", f"JobId={number}", "StartTime=now")


@contextmanager
def running_slurm() -> Iterator[Slurm]:
    """Start one, and end it with all that it runs."""
    with TemporaryDirectory(prefix="slurm-") as name, ExitStack() as ends:
        folder = Path(name)  # short, since the path of a socket may have a hundred characters only
        folder.chmod(0o755)  # munged refuses others
        slurm = Slurm(folder)
        (folder / "state").mkdir()
        key = folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        slurm.call("munged", *(f"--{option}={folder}/munge.{suffix}" for option, suffix in files.items()))
        ends.callback(_end, folder / "munge.pid", signal.SIGTERM)
        host = socket.gethostname().partition(".")[0]
        controller, n1, n2 = _free_ports(3)
        (folder / "slurm.conf").write_text(
            CONF.format(folder=folder, host=host, user=getpass.getuser(), controller=controller, n1=n1, n2=n2)
        )
        slurm.call("slurmctld")
        ends.callback(_end, folder / "slurmctld.pid", signal.SIGTERM)
        for node in NODES:
            slurm.start_node(node)
            ends.callback(_end, folder / f"{node}.pid", signal.SIGTERM)
        begun = time.monotonic()
        while slurm.call("sinfo", "--noheader", "--Node", "--Format", "StateCompact").split() != ["idle"] * len(NODES):
            assert time.monotonic() - begun < SECONDS_TO_START, (folder / "slurmctld.log").read_text()
            time.sleep(0.2)
        ends.callback(_end_jobs, slurm)
        yield slurm


def _end_jobs(slurm: Slurm) -> None:
    slurm.call("scancel", "--quiet", "--user", getpass.getuser())
    begun = time.monotonic()
    while slurm.jobs("RUNNING", "COMPLETING", "PENDING") and time.monotonic() - begun < 20:
        time.sleep(0.2)


def _end(pid_file: Path, number: signal.Signals) -> None:
    """Tell a daemon to end, and wait for it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int(pid_file.read_text())
        os.kill(pid, number)
        while True:
            os.kill(pid, 0)
            time.sleep(0.05)


def _free_ports(number: int) -> list[int]:
    with ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(number)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]


def _path() -> str:
    """Daemons lie where only root looks for them."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
