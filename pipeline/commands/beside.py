"""What runs that were made anew say of the claims, beside what is recorded."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pipeline.artifacts.records import Curve
from pipeline.artifacts.storage import read_result
from pipeline.base import paths
from pipeline.base.files import read_json
from pipeline.commands.verify import SAME_BYTES, Run, allowed, compared, made_otherwise, told
from pipeline.params.schema import Params

NOT_RUN = "not run"
LEARNING_RATE = "learning_rate"
"""What is found anew too, and may come out otherwise."""
HEADERS = ("", "Expected, from git", "Found here", "", "Runs that it is from")


@dataclass(frozen=True)
class Account:
    """What the runs of one family on one text say."""

    claims: dict[str, Any]
    """By name, as summary.json has them."""
    curves: dict[Run, Curve]


@dataclass(frozen=True)
class Claim:
    """A claim: what is recorded of it, and what was found."""

    name: str
    expected: dict[str, Any]
    found: dict[str, Any]
    same: bool | None
    """Whether the verdict is; None where there is nothing to compare."""
    why: str


@dataclass(frozen=True)
class Again:
    """A run that is recorded and was made again."""

    run: Run
    expected: Curve
    found: Curve
    same: bool | None
    """Whether it came back; None where another learning rate was found for it, so that it is another run."""
    line: str
    """Says how."""


@dataclass(frozen=True)
class Report:
    """One answer a claim, and the runs behind them."""

    claims: list[Claim]
    runs: list[Again]

    @property
    def is_same(self) -> bool:
        """Whether nothing that can be compared is other than recorded."""
        return False not in [*(each.same for each in self.claims), *(each.same for each in self.runs)]

    @property
    def made_otherwise(self) -> list[str]:
        """What may change the last bits of the runs."""
        return list(dict.fromkeys(what for each in self.runs for what in made_otherwise(each.expected, each.found)))

    def as_json(self) -> dict[str, Any]:
        """For report.json."""
        claims = {
            each.name: each.found | {"expected": each.expected, "same": each.same, "why": each.why}
            for each in self.claims
        }
        runs = {
            told(each.run): {
                "validation_loss": last_loss(each.found),
                "weights": each.found.weights,
                "expected": {"validation_loss": last_loss(each.expected), "weights": each.expected.weights},
                "same": each.same,
                "why": each.line,
            }
            for each in self.runs
        }
        return {"same": self.is_same, "made_otherwise": self.made_otherwise, "claims": claims, "runs": runs}

    def as_text(self) -> str:
        """A line for each claim, and what did not come back."""
        marks = {True: "same", False: "NOT THE SAME", None: "not compared"}
        rows = [(one.name, short(one.expected), short(one.found), marks[one.same], one.why) for one in self.claims]
        table = tabulate(rows, HEADERS, disable_numparse=True)
        lost = [f"{told(each.run)}: {each.line}" for each in self.runs if each.same is False]
        other = f"Other than where it was recorded: {'; '.join(self.made_otherwise)}." if self.made_otherwise else ""
        end = "All that can be compared is the same." if self.is_same else "Not all is the same."
        return "\n".join([table, "", *lost, *filter(None, (other, end))])


def read_account(folder: Path, params: Params, dataset: str, family: str) -> Account:
    """What lies in a folder that is laid out as this repository is."""
    summary = read_json(folder / paths.PAPER_TABLES / "summary.json")
    seeded = params.families[family].seeded().items()
    runs = [(text, model, seed) for (text, model), seeds in seeded for seed in seeds if text == dataset]
    curves = {run: read_result(folder / paths.curve(*run), Curve) for run in runs}
    there = {run: curve for run, curve in curves.items() if curve}
    return Account(summary["claims"].get(dataset, {}).get(family, {}), there)


def beside(git: Account, here: Account, models: dict[str, list[str]]) -> Report:
    """Claim by claim and run by run; `models`: of each claim that was asked for, those that it is judged by."""
    both = [run for run in here.curves if run in git.curves]
    apart = allowed(by_model(git.curves).values(), len(both)) if both else None
    again = [run_beside(run, git.curves[run], here.curves[run], apart) for run in both]
    claims = [
        claim_beside(name, git.claims.get(name, {}), here.claims.get(name, {}), models.get(name), again)
        for name in here.claims
    ]
    return Report(claims, again)


def by_model(curves: dict[Run, Curve]) -> dict[str, list[float]]:
    """The last losses of all seeds."""
    losses: dict[str, list[float]] = defaultdict(list)
    for (_, model, _), curve in curves.items():
        losses[model].append(last_loss(curve))
    return losses


def run_beside(run: Run, expected: Curve, found: Curve, apart: float | None) -> Again:
    """Whether a run came back, and one line that says so; `apart`: how far losses may lie."""
    changed = differing(made_with(expected), made_with(found))
    if changed:
        line = f"made with another {', '.join(changed)}"
        return Again(run, expected, found, None if changed == [LEARNING_RATE] else False, line)
    return Again(run, expected, found, *compared(expected, found, apart))


def made_with(curve: Curve) -> dict[str, Any]:
    """Its parameters; which fingerprint it has depends on the processor too."""
    return curve.data | curve.entry | curve.train


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The keys whose values differ."""
    return sorted(key for key in one | other if one.get(key) != other.get(key))


def last_loss(curve: Curve) -> float:
    return curve.epochs[-1].validation_loss


def claim_beside(
    name: str, expected: dict[str, Any], found: dict[str, Any], models: list[str] | None, runs: list[Again]
) -> Claim:
    """`models`: those that it is judged by, None where it was not asked for."""
    if models is None:
        return Claim(name, expected, found, None, "not asked for")
    if expected.get("verdict", NOT_RUN) == NOT_RUN:
        return Claim(name, expected, found, None, "git has no answer yet")
    why = of_runs([each for each in runs if each.run[1] in models])
    if found["verdict"] == NOT_RUN:
        why = f"not run here: {found.get('reason', 'nothing')}"
    return Claim(name, expected, found, found["verdict"] == expected["verdict"], why)


def of_runs(runs: list[Again]) -> str:
    """How many of them came back, and how."""
    same = sum(each.line == SAME_BYTES for each in runs)
    counts = {
        f"with {SAME_BYTES}": same,
        "the same up to rounding": sum(each.same is True for each in runs) - same,
        "not the same": sum(each.same is False for each in runs),
        "with another learning rate": sum(each.same is None for each in runs),
    }
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "none of its runs is in git"


def short(answer: dict[str, Any]) -> str:
    """The verdict, and the first number that it comes from."""
    verdict = str(answer.get("verdict", NOT_RUN))
    measured = [part for part in answer.get("parts", {}).values() if part.get("mean") is not None]
    first = next((part for part in measured if part["verdict"] == verdict), None)
    if not first:
        return verdict
    interval = "" if first.get("low") is None else f" [{first['low']:.4f}, {first['high']:.4f}]"
    return f"{verdict} {first['mean']:.4f}{interval}"
