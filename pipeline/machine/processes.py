"""The processes of one run: torchrun starts and numbers them, the first one writes, and speaks for all."""

import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from pipeline.base.errors import UserError

Answer = TypeVar("Answer")

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others in a step. One that died is noticed at once, one that hangs by this."""
PATIENCE = timedelta(days=365)
"""The same while the first alone is at work, which may wait for another launch of the run."""


@dataclass(frozen=True)
class Processes:
    """The processes of one run, seen from one of them."""

    rank: int
    """Of this one; the first has 0."""
    count: int
    patient: dist.ProcessGroup | None = None
    """Joins them where one may have to wait for long."""
    group: dist.ProcessGroup | None = None
    """Joins them for tensors on their device; None for the CPU's."""

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def on(self, device: torch.device) -> "Processes":
        """The same, for tensors on the device that this process computes on."""
        if self.count == 1 or device.type == "cpu":
            return self
        return dataclasses.replace(self, group=dist.new_group(timeout=TIMEOUT, backend="nccl"))

    def rows(self, batch: int) -> slice:
        """Of a batch of so many rows those of this process. Where they do not come out even, the first have one more;
        there may be none left for the last."""
        each, more = divmod(batch, self.count)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def from_first(self, function: Callable[[], Answer]) -> Answer:
        """What `function()` gives in the first process. It alone calls it, and the others wait, however long."""
        if self.count == 1:
            return function()
        answers = [function() if self.is_first else None]
        dist.broadcast_object_list(answers, src=0, group=self.patient)
        answer: Answer = answers[0]  # type: ignore[assignment]
        return answer

    def largest(self, number: int) -> int:
        """Of the numbers that the processes have."""
        if self.count == 1:
            return number
        found = torch.tensor(number)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def mean(self, value: Tensor) -> Tensor:
        """Of the scalars that the processes have; not waited for."""
        if self.count == 1:
            return value
        dist.all_reduce(value, group=self.group)
        return value / self.count


ALONE = Processes(rank=0, count=1)


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, this one among them; ALONE where there is no other.

    Of those that fail one says why, the first to know, and torchrun ends the rest.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    store, rank, count = next(rendezvous("env://"))
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=TIMEOUT)
    try:
        yield Processes(rank, count, patient=dist.new_group(timeout=PATIENCE))
    except (UserError, OSError, RuntimeError) as error:
        is_lost = isinstance(error, dist.DistError) or "gloo" in str(error)
        if isinstance(error, RuntimeError) and not is_lost:
            raise
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which torchrun sends to the rest
        if store.add("failed", 1) > 1:
            sys.exit(2)
        if is_lost:
            minutes = TIMEOUT.total_seconds() / 60
            raise UserError(
                f"another process of this run ended, or gave no sign of life for {minutes:.0f} minutes: "
                "the same command goes on from the last save"
            ) from None
        raise
    dist.destroy_process_group()
