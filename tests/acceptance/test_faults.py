"""A short part of the fault suite: `make faults` injects all of it, more often."""

import re

import pytest

from tests.acceptance.faults.bench import Bench, make_bench
from tests.acceptance.faults.damage import READERS
from tests.acceptance.faults.suite import inject

SHORT = {
    "training killed at a random moment (SIGKILL)": 2,
    "training killed inside a save (SIGKILL)": 1,
    "DVC killed, its training alive": 1,
    "full disk": 2,
    "flipped bit in an artifact": len(READERS),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("fault", SHORT)
def test_nothing_is_lost(bench: Bench, fault: str) -> None:
    outcome = inject(bench, fault, SHORT[fault])
    if outcome.injected == 0:
        pytest.skip(outcome.remark)
    assert outcome.survived == outcome.injected


def test_the_suite_damages_every_kind_of_artifact(bench: Bench) -> None:
    """Of splits one stands for all; a fingerprint that is damaged is made anew by its own stage."""
    files = (file for name in ("data", "runs", "results") for file in (bench.folder / name).rglob("*"))
    made = {str(file.relative_to(bench.folder)) for file in files if file.is_file()}
    read = {str(file.relative_to(bench.folder)) for name in READERS for file in bench.folder.glob(name)}
    ignored = ("fingerprint", ".gitignore", "params.valid")
    kinds = {re.sub("train|validation|test", "split", name) for name in made if not any(map(name.count, ignored))}
    assert kinds == {re.sub("train|validation|test", "split", name) for name in read}
