"""The stages from corpus to tables; each is run as `python -m pipeline.<stage>` from the repository's root.

An import has one effect, and it is here: OpenMP reads once, when torch is loaded, how its threads wait for each other,
so it must be told before any stage imports torch. By default they spin, and where another process is running, every
barrier costs a slice of its time: a small training on two threads took 5 to 10 times as long.
"""

import os

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""The variables that say how; a user's own setting of either wins."""

if not any(name in os.environ for name in WAITING):
    os.environ["GOMP_SPINCOUNT"] = "1000"
