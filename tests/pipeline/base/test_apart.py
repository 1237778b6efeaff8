"""A function in a process of its own."""

import multiprocessing
import os
import signal
import sys

import pytest

from pipeline.base.apart import KilledError, call_apart

FORKING = multiprocessing.get_context("forkserver")


def whoami(number: int, *, other: int) -> tuple[int, int]:
    return os.getpid(), number + other


def die(code: int) -> None:
    sys.exit(code)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_answer_comes_from_another_process() -> None:
    first, second = (call_apart(FORKING, whoami, 1, other=2) for _ in range(2))
    assert first[1] == second[1] == 3
    assert len({first[0], second[0], os.getpid()}) == 3


def test_a_process_that_is_killed_is_told_from_one_that_fails() -> None:
    with pytest.raises(KilledError):
        call_apart(FORKING, be_killed)
    with pytest.raises(RuntimeError, match="die died in its process with exit code 3"):
        call_apart(FORKING, die, 3)
