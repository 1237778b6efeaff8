"""Several processes of one run: told what torchrun tells them, but forked from a server, which is quicker."""

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch.distributed as dist

FORKING = multiprocessing.get_context("forkserver")
PATIENCE = 600.0
"""Seconds in which processes of a test end, on a busy machine too."""


@dataclass(frozen=True)
class Ended:
    """What became of a process."""

    code: int
    out: str
    err: str
    result: Any
    """What its function gave; None where it ended before."""


class Team:
    """`count` processes that call `function(*given)` in a folder. One that dies ends no other: torchrun is not here."""

    def __init__(self, folder: Path, count: int, function: Callable[..., Any], *given: Any) -> None:
        self.store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.logs = [(folder / f".{rank}.out", folder / f".{rank}.err") for rank in range(count)]
        self.processes, self.results = [], []
        for rank in range(count):
            receiver, sender = FORKING.Pipe(duplex=False)
            told = {
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(count),
                "LOCAL_WORLD_SIZE": str(count),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(self.store.port),
                "TORCHELASTIC_USE_AGENT_STORE": "True",
                "TORCHELASTIC_RESTART_COUNT": "0",
            }
            process = FORKING.Process(
                target=_member, args=(told, folder, self.logs[rank], sender, function, given), daemon=True
            )
            process.start()
            sender.close()
            self.processes.append(process)
            self.results.append(receiver)

    def wait(self) -> list[Ended]:
        ended = []
        for process, receiver, logs in zip(self.processes, self.results, self.logs, strict=True):
            result = _received(receiver)
            process.join()
            assert process.exitcode is not None
            ended.append(Ended(process.exitcode, *(log.read_text() for log in logs), result))
        for log in [each for logs in self.logs for each in logs]:
            log.unlink()
        return ended


def _member(
    told: dict[str, str],
    folder: Path,
    logs: tuple[Path, Path],
    sender: "Connection[Any, Any]",
    function: Callable[..., Any],
    given: Any,
) -> None:
    os.environ.update(told)
    os.chdir(folder)
    for descriptor, log in enumerate(logs, 1):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sender.send(function(*given))


def _received(receiver: "Connection[Any, Any]") -> Any:
    assert receiver.poll(PATIENCE), f"no end after {PATIENCE:.0f} s"
    try:
        return receiver.recv()
    except EOFError:
        return None
