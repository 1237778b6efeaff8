"""docs/findings.md: each finding in one sentence, with its numbers, and what would change our mind."""

from pathlib import Path
from typing import Any

from pipeline.claims.answers import Answer, by_claim, most_telling
from pipeline.claims.recall import Beyond, FactsHeld, beyond_reach, facts_held
from pipeline.claims.verdicts import CONCLUSIVE
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params
from pipeline.report.judgement import reason, verdict_text
from pipeline.report.published import Published
from pipeline.report.recalled import labels, reaches
from pipeline.report.tables.layout import with_interval
from pipeline.report.tables.recall import verdict_note
from pipeline.report.tables.rendering import markdown_list, markdown_text
from pipeline.report.wording import answer_label, measurement_text, plain

TEXTS = Path(__file__).with_name("findings.yaml")
UNDECIDED = {
    "inconclusive": "It cannot be told from these runs",
    "no valid test": "No run could tell: the models learned too little",
    "not run": "Not run, or not all of it",
    "not judged": "Not judged",
}
"""What stands in place of an answer."""
OPENING = (
    "Each finding is one sentence, and below it the numbers that it rests on. Square brackets hold a 95 % interval. A "
    "word such as “reproduced” is a verdict by a [rule](statistics.md), fixed before the runs of `small`. A finding "
    "holds for the text and the size of models that it names, and for no others. This page is made from the results by "
    "`make tables`: no number in it was typed."
)
ELSEWHERE = (
    "These claims have no verdict yet. The paper's losses need raw WikiText-2 and TinyStories, and models of its size, "
    "for which a GPU is needed for hours."
)


def findings(params: Params, published: Published, found: list[Answer]) -> str:
    """Markdown, with links as seen from docs/."""
    texts: dict[str, Any] = read_yaml(TEXTS)
    answers = by_claim(found)
    parts = ["# Findings", OPENING]
    open_claims = []
    for told in texts["claims"]:
        answer = most_telling(answers[told["claim"]])
        if answer is None or answer.verdict in ("not run", "not judged", "no valid test"):
            open_claims.append(f"{told['claim']}: {told['question']} {_undecided(answer)}")
        else:
            parts += _section(told, answer, answers[told["claim"]], published)
    parts += _recall(texts["recall"], params, published) + _facts(texts["facts"], params)
    if open_claims:
        parts += ["## What only a GPU, the raw text or more runs can tell", ELSEWHERE, markdown_list(open_claims)]
    return "\n\n".join(parts) + "\n"


def _section(told: dict[str, str], answer: Answer, others: list[Answer], published: Published) -> list[str]:
    sentence = _decided(told, answer) if answer.verdict in CONCLUSIVE else _undecided(answer)
    claimed = published.claims[told["claim"]]
    lines = [
        f"The paper says: {claimed.claim} ({claimed.states}).",
        f"Holds for: {answer_label(answer)}. Verdict: {plain(verdict_text(answer))}.",
        *(f"Measured: {markdown_text(measurement_text(each))}." for each in answer.measured),
        *(
            f"Elsewhere: {answer_label(other)}: {plain(verdict_text(other))}."
            for other in others
            if other is not answer and other.verdict in CONCLUSIVE
        ),
        f"What would change our mind: {told['mind']}",
    ]
    return [f"## {told['claim']}: {told['question']}", f"**{sentence}**", "\n".join(f"- {line}" for line in lines)]


def _decided(told: dict[str, str], answer: Answer) -> str:
    """The sentence of the verdict with its reason, where there is one of its own."""
    return told.get(f"{answer.verdict}, {reason(answer)}", told[answer.verdict])


def _undecided(answer: Answer | None) -> str:
    if answer is None:
        return f"{UNDECIDED['not run']}."
    why = reason(answer)
    return f"{UNDECIDED[answer.verdict]}{f' ({why})' if why else ''}."


def _recall(told: dict[str, str], params: Params, published: Published) -> list[str]:
    """One section for all whole GAMs and both tasks; none where none was run."""
    names = labels(params, published, params.recall.models)
    judged = [beyond_reach(params, task, model) for model in reaches(params) for task in ("copying", "associative")]
    judged = [each for each in judged if each.lowest is not None]
    if not judged:
        return []
    lines = [verdict_note(each, names) for each in judged]
    sentence = _of_all(judged, told)
    change = f"What would change our mind: {told['mind']}"
    return [f"## Recall: {told['question']}", f"**{sentence}**", markdown_list([*lines, change])]


def _of_all(judged: list[Beyond], told: dict[str, str]) -> str:
    """The sentence of the verdict that all of them share, where they do."""
    verdicts = {each.verdict for each in judged}
    shared = verdicts.pop() if len(verdicts) == 1 else ""
    return told.get(shared, "It depends on the task and on the number of layers, or could not be tested.")


def _facts(told: dict[str, str], params: Params) -> list[str]:
    """None where they were not run."""
    held = facts_held(params)
    if not held:
        return []
    most = max(held, key=lambda each: abs(each.difference.mean))
    ahead = "GAM" if most.difference.mean > 0 else "the wider network"
    sentence = f"Where they differ most, at {most.pairs:,} facts, {ahead} knows more of them."
    lines = [*map(_held_text, held), f"What would change our mind: {told['mind']}"]
    return [f"## Facts: {told['question']}", f"**{sentence}**", markdown_list(lines)]


def _held_text(held: FactsHeld) -> str:
    return (
        f"{held.pairs:,} facts: GAM {held.gam:.3f}, the wider network {held.ffn:.3f} right; GAM − network "
        f"{with_interval(held.difference, 4)}, {held.difference.n} seeds."
    )
