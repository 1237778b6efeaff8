"""Verdicts on recall, from made-up results of a GAM whose convolutions see five tokens."""

import pytest

from pipeline.base import paths
from pipeline.claims.recall import Beyond, beyond_reach, facts_held
from pipeline.params.recall import TaskName
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up import write_recall
from tests.pipeline.conftest import RECALL

CHANCE = 0.25
NEAR = {1: 1.0, 2: 0.99}


@pytest.fixture
def tasks(workspace: Workspace) -> Workspace:
    """All that a claim needs: it is contradicted."""
    workspace.edit({"recall": RECALL})
    write_copying("transformer", {**NEAR, 5: 0.97, 6: 0.96})
    write_copying("gam", {**NEAR, 5: CHANCE, 6: CHANCE + 0.01})
    return workspace


def write_copying(model: str, accuracies: dict[int, float], asked: int = 10_000) -> None:
    write_recall("copying", model, {at: {at: accuracy} for at, accuracy in accuracies.items()}, asked)


def judged(task: TaskName = "copying") -> Beyond:
    return beyond_reach(load_params(), task, "gam")


@pytest.mark.usefixtures("tasks")
def test_contradicted() -> None:
    assert judged() == Beyond(
        task="copying", model="gam", verdict="contradicted", reach=5, chance=CHANCE, lowest=CHANCE,
        highest=CHANCE + 0.01, queries=60_000, near=0.99, transformer=0.96, rival="transformer", n=3,
    )  # fmt: skip


@pytest.mark.usefixtures("tasks")
def test_reproduced_at_one_distance() -> None:
    """Even where the Transformer did not learn: what is there needs no proof that the test could show it."""
    write_copying("gam", {**NEAR, 5: CHANCE, 6: 0.3})
    write_copying("transformer", {**NEAR, 5: 0.3, 6: 0.3})
    assert judged().verdict == "reproduced"


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("gate", ["near", "transformer", "queries"])
def test_no_valid_test(gate: str) -> None:
    if gate == "near":
        write_copying("gam", {1: 1.0, 2: 0.89, 5: CHANCE, 6: CHANCE})
    elif gate == "transformer":
        write_copying("transformer", {**NEAR, 5: 0.97, 6: 0.94})
    else:
        write_copying("gam", {**NEAR, 5: CHANCE, 6: CHANCE}, asked=9999)
    assert judged().verdict == "no valid test"


@pytest.mark.usefixtures("tasks")
def test_worse_than_a_guess_is_inconclusive() -> None:
    write_copying("gam", {**NEAR, 5: CHANCE, 6: 0.2})
    assert judged().verdict == "inconclusive"


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("model", ["gam", "transformer"])
def test_not_run(model: str) -> None:
    paths.recall("copying", model).unlink()
    assert judged().verdict == "not run"


def test_of_other_parameters(tasks: Workspace) -> None:
    tasks.edit({"recall": {"copying": {"steps": 7}}})
    assert judged().verdict == "not run"


@pytest.mark.usefixtures("tasks")
def test_associative_recall_needs_copying_too() -> None:
    """A value stands one token nearer than its key: at distance 5 it is still in sight."""
    write_recall("associative", "transformer", {16: {2: 1.0, 4: 0.96, 6: 0.96}})
    write_recall("associative", "gam", {16: {2: 1.0, 4: 0.9, 5: 0.9, 6: CHANCE}})
    found = judged("associative")
    assert (found.verdict, found.queries, found.highest, found.near) == ("contradicted", 30_000, CHANCE, 0.99)
    write_copying("gam", {1: 0.5, 2: 0.5, 5: CHANCE, 6: CHANCE})
    assert judged("associative").verdict == "no valid test"
    write_recall("associative", "gam", {16: {2: 1.0, 4: 0.9, 6: 0.5}})
    assert judged("associative").verdict == "reproduced"


def test_facts_are_compared_seed_by_seed(tasks: Workspace) -> None:
    assert facts_held(load_params()) == []
    change = {"gate": False, "local": False, "memory": False, "ffn_width": 70}
    tasks.edit({"models": {"gam-sum-fusion": change}})
    write_recall("facts", "gam", {20: {0: 1.0}, 40: {0: 0.6}})
    assert facts_held(load_params()) == []
    write_recall("facts", "gam-sum-fusion", {20: {0: 1.0}, 40: {0: 0.8}})
    first, second = facts_held(load_params())
    assert (first.pairs, first.difference.mean, first.difference.n) == (20, 0.0, 3)
    assert (second.gam, second.ffn, second.difference.mean) == pytest.approx((0.6, 0.8, -0.2))
    assert second.difference.low == pytest.approx(-0.2)
