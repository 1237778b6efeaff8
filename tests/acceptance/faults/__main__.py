"""`python -m tests.acceptance.faults` (`make faults`): injects faults into small runs, and counts what is lost."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.acceptance.faults.bench import make_bench
from tests.acceptance.faults.suite import FAULTS, inject


def main() -> None:
    outcomes = []
    with TemporaryDirectory() as name:
        bench = make_bench(Path(name))
        print(f"{'fault':46} injected survived lost")
        for fault, (_, times) in FAULTS.items():
            outcome = inject(bench, fault, times)
            outcomes.append(outcome)
            lost = outcome.injected - outcome.survived
            print(f"{fault:46} {outcome.injected:8} {outcome.survived:8} {lost:4}  {outcome.remark}", flush=True)
    sys.exit(any(outcome.survived < outcome.injected for outcome in outcomes))


if __name__ == "__main__":
    main()
