"""How much is left, by what was measured so far."""

from dataclasses import dataclass

from pipeline.commands.progress import Progress, label


@dataclass(frozen=True)
class Stage:
    cmd: str


def train(model: str, seed: int) -> Stage:
    return Stage(f"python -m pipeline.train --dataset stories --model {model} --seed {seed}")


def test_label() -> None:
    assert label(train("gam", 1)) == "train stories gam seed 1"


def test_what_is_left() -> None:
    """Another seed takes as long as the one before, another model about as long, half of it with two at a time."""
    progress = Progress()
    rest = [train("gam", 2), train("mamba", 0), train("mamba", 1), train("mamba", 2)]
    assert progress.line("check", {}, [train("gam", 1), *rest], [], jobs=2) == "[1 of 6] check, 5 waiting"
    progress.ended(train("gam", 0), 100.0)
    at_work = {train("gam", 1): 40.0}
    line = progress.line("gam", at_work, rest, [Stage("python -m pipeline.timing")], jobs=2)
    assert (
        line == "[2 of 8] gam, 1 running, 5 waiting, about 6 min left"
    )  # (60 + 4 * 100) / 2 + 100 for what was not seen yet
    progress.ended(train("mamba", 0), 40.0)
    assert progress.line("mamba", {}, [train("gam", 2)], [], jobs=1) == "[3 of 4] mamba, 1 waiting, about 2 min left"
    assert progress.line("all", {}, [], [], jobs=1) == "[4 of 4] all"


def test_what_has_no_turn_yet_waits() -> None:
    """As a job in the queue of a cluster does."""
    line = Progress().line("check", {train("gam", 0): 3.0, train("gam", 1): 0.0}, [train("gam", 2)], [], jobs=2)
    assert line == "[1 of 4] check, 1 running, 2 waiting"


def test_nothing_is_known_where_all_failed() -> None:
    assert Progress().line("gam failed", {}, [train("gam", 1)], [], jobs=1, failed=1).endswith(", 1 waiting, 1 failed")
