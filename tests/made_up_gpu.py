"""A GPU that is none: the CPU computes, and everything that is asked of the device is answered as one would."""

from dataclasses import dataclass, field

import torch

from pipeline.machine.gauge import Work
from pipeline.machine.setup import Machine
from pipeline.params.schema import Runtime


@dataclass
class MadeUpGauge:
    """Answers what it is told to, and notes what it was asked."""

    kind = "cuda"
    memory_gib: float = 80.0
    peak_mib: float = 100.0
    milliseconds_each: float = 2.0
    fails_at_wait: Exception | None = None
    """What a device says later of work that it was told: its errors come when somebody waits."""
    asked: list[str] = field(default_factory=list)

    def wait(self) -> None:
        self.asked.append("wait")
        if self.fails_at_wait:
            raise self.fails_at_wait

    def milliseconds(self, work: Work, *, queued: bool = False) -> float:
        work()
        self.asked.append("queued" if queued else "as told")
        return self.milliseconds_each

    def peak_bytes(self, work: Work, held: int) -> int:
        work()
        assert held > 0
        return int(self.peak_mib * 2**20)

    def limit(self, gib: float) -> None:
        self.memory_gib = gib

    def available_gib(self) -> float:
        return self.memory_gib

    def busy_share(self, seconds: float) -> float | None:
        return 0.03 if seconds else None


def made_up_machine(gauge: MadeUpGauge, runtime: Runtime) -> Machine:
    """The machine that has it."""
    return Machine(
        device=torch.device("cpu"),
        gauge=gauge,
        name="Made-up GPU (TM) 80GB",
        threads=runtime.threads,
        deterministic=runtime.deterministic,
        allocator="torch's caching allocator",
        waiting=None,
        instructions=None,
        stack={"driver": "580.65.06", "cuda": "13.0", "cudnn": "91300", "capability": "9.0"},
    )
