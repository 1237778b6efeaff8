"""Runs the container's command so that `docker stop` reaches the training and waits until it has saved.

DVC dies of SIGTERM at once, while the training that it started finishes its step and saves. A container ends with its
first process, so that process waits: it passes each signal on to the whole process group of the command, and leaves
when nobody is left in it. It works as process 1 and below `docker run --init`. Exit code: that of the command.
"""

import ctypes
import fcntl
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
REPOSITORY, CACHE = Path("/repo"), Path("/cache")
WRITTEN = (".", ".dvc", ".quickstart", "data", "paper_tables", "results", "runs", "work")
"""Folders of the repository in which the pipeline and DVC write."""
USER_LINE = '--user "$(id -u):$(id -g)"'
RWLOCK = ".dvc/tmp/rwlock"
ALONE = ".dvc/tmp/container.lock"
"""Held by each container for as long as it lives; the kernel, which they share, lets go of it when one is gone."""
GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg")  # Linux, WSL


def main() -> None:
    for folder in (CACHE, *(REPOSITORY / name for name in WRITTEN)):
        if complaint := unwritable(folder):
            print(f"error: {complaint}", file=sys.stderr)
            sys.exit(2)
    if not (REPOSITORY / "params.yaml").exists():
        say(f'no repository at {REPOSITORY}: add --volume "$PWD":{REPOSITORY} to mount the one you are in')
    if not any(map(os.path.exists, GPU_DEVICES)):
        say("no GPU in this container, all is computed on the CPU: add --gpus all (NVIDIA driver 580 or newer)")
    with the_only_container() as alone:
        if alone:
            forget_the_dead()
        sys.exit(run(sys.argv[1:]))


def say(note: str) -> None:
    print(f"note: {note}", file=sys.stderr, flush=True)


def unwritable(folder: Path) -> str:
    """What keeps this user from writing in a folder that is there, and which option helps; else nothing."""
    if not folder.exists() or os.access(folder, os.W_OK | os.X_OK):
        return ""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        mount = "--volume gam-cache:/cache" if folder == CACHE else "its --volume without :ro"
        return f"{folder} is read-only: give docker run {mount}"
    owner = folder.stat()
    return (
        f"{folder} belongs to user {owner.st_uid}:{owner.st_gid}, and user {os.getuid()}:{os.getgid()} cannot write "
        f"there: start the container as its owner, docker run {USER_LINE}"
    )


@contextmanager
def the_only_container() -> Iterator[bool]:
    """Whether no other container works in this repository. Processes of another one are not to be seen from here."""
    if not (REPOSITORY / ".dvc").is_dir():
        yield True
        return
    lock = REPOSITORY / ALONE
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = True
        except OSError:  # held, or the file system knows no locks
            alone = False
            say(f"another container works in this repository, or {lock} cannot be locked: DVC's locks are left alone")
        yield alone


def forget_the_dead() -> None:
    """Remove DVC's locks of processes that are gone, of an earlier container.

    DVC does so itself where no process has the id that a lock names. In a container the same few ids come again. For
    the only container.
    """
    for file in (*Path().glob(RWLOCK), *Path().glob(f".quickstart/*/{RWLOCK}")):
        with suppress(OSError):
            holders = set(map(int, re.findall(r'"pid": (\d+)', file.read_text(encoding="utf-8"))))
            if not any(Path(f"/proc/{holder}").exists() for holder in holders - {1, os.getpid()}):
                file.unlink()


def run(command: list[str]) -> int:
    """Run the command to its end, and until its process group is empty."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # the orphans of the command become our children
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until there is a process to pass them to
    try:
        group = os.posix_spawnp(
            command[0], command, os.environ, setpgroup=0, setsigmask=[], setsigdef=[signal.SIGPIPE, signal.SIGXFSZ]
        )
    except OSError as error:
        print(f"error: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    told = False

    def pass_on(number: int, _frame: object) -> None:
        nonlocal told
        told = True
        tell(group, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    if sys.stdin and sys.stdin.isatty():  # Ctrl-C and job control are the command's
        os.tcsetpgrp(sys.stdin.fileno(), group)
        tell(group, signal.SIGCONT)  # it may have asked for the terminal before
    code = 0
    while True:
        child, status = os.waitpid(-1, 0)
        if child == group:
            code = os.waitstatus_to_exitcode(status)
            if not told:
                tell(group, signal.SIGTERM)  # what it left running saves itself and ends
        if not tell(group, 0):
            return 128 - code if code < 0 else code


def tell(group: int, number: int) -> bool:
    """Send a signal to all in the process group; whether anyone was there."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
