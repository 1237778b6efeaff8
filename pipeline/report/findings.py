"""Each finding in one sentence, with its numbers, and what would change our mind: what docs/findings.md says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.claims.answers import Answer, by_claim, most_telling
from pipeline.claims.recall import Beyond, FactsHeld, beyond_reach, facts_held
from pipeline.claims.verdicts import CONCLUSIVE
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params
from pipeline.report.judgement import lacking, reason, verdict_text
from pipeline.report.notes import states
from pipeline.report.published import Published
from pipeline.report.recalled import labels, reaches
from pipeline.report.tables.layout import Span, Text, with_interval
from pipeline.report.tables.recall import recall_text
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
    "word such as “reproduced” is a verdict by a {rule}, fixed before the runs of `small` and `twice`. A finding holds "
    "for the text and the size of models that it names, and for no others. This page is made from the results by "
    "`{made_by}`: no number in it was typed."
)
TERMS_BELOW = "Its [terms](findings.md#terms) are explained at the end."
OWN_TERMS = [
    "T: tokens in one input. “8 seeds, 3 as claimed”: in 3 of 8 trainings the difference is above 0. “Elsewhere”: "
    "other runs that were asked the same. “Twice runs”: models of the small runs, trained for twice as long. “Beside "
    "the claim”: measured as well, and the verdict does not rest on it. “All work told before the GPU begins”: the GPU "
    "gets all the work of a measurement before it starts on it, so that it never waits for the processor.",
    "Recall: a model is shown symbols, and later asked for one of them. Reach: as many tokens as GAM's convolutions "
    "carry in all its layers. Chance: what a guess gets right.",
]
OPEN_CLAIMS = "What only a GPU, the raw text or more runs can tell"
ELSEWHERE = (
    "These claims have no verdict yet. The paper's losses need raw WikiText-2 and TinyStories, and models of its size, "
    "for which a GPU is needed for hours."
)


@dataclass(frozen=True)
class Finding:
    """A question, its answer in a sentence, and what that rests on."""

    about: str
    """The claim, or the task."""
    question: str
    sentence: str
    lines: list[Text]


@dataclass(frozen=True)
class Findings:
    """All that can be told, and the claims that have no verdict yet."""

    told: list[Finding]
    open_claims: list[str]


def findings(params: Params, published: Published, found: list[Answer]) -> Findings:
    """In the order of findings.yaml."""
    texts: dict[str, Any] = read_yaml(TEXTS)
    answers, stated = by_claim(found), states(params, published)
    told, open_claims = [], []
    for each in texts["claims"]:
        answer = most_telling(answers[each["claim"]])
        if answer is None or answer.verdict in ("not run", "not judged", "no valid test"):
            open_claims.append(f"{each['claim']}: {each['question']} {_undecided(answer)}")
        else:
            told.append(_finding(each, answer, answers[each["claim"]], stated[each["claim"]], published))
    told += [finding for each in texts["beside"] for finding in _beside(each, found)]
    told += _recall(texts["recall"], params, published) + _facts(texts["facts"], params)
    return Findings(told, open_claims)


def findings_markdown(found: Findings, terms: list[str]) -> str:
    """docs/findings.md, which ends with what its words mean: `terms`, but for what is about the rows of a table."""
    opening = OPENING.format(rule="[rule](statistics.md)", made_by="make tables")
    parts = ["# Findings", f"{opening} {TERMS_BELOW}"]
    for each in found.told:
        lines = "\n".join(f"- {markdown_text(line)}" for line in each.lines)
        parts += [f"## {each.about}: {each.question}", f"**{each.sentence}**", lines]
    if found.open_claims:
        parts += [f"## {OPEN_CLAIMS}", ELSEWHERE, markdown_list(found.open_claims)]
    parts += ["## Terms", markdown_list([*terms[1:], *OWN_TERMS])]
    return "\n\n".join(parts) + "\n"


def _finding(told: dict[str, str], answer: Answer, others: list[Answer], stated: str, published: Published) -> Finding:
    sentence = _decided(told, answer) if answer.verdict in CONCLUSIVE else _undecided(answer)
    lines = [
        [Span(f"The paper says: {published.claims[told['claim']].claim} ({stated}).")],
        [Span(f"Tested on: {answer_label(answer)}. Verdict: {plain(verdict_text(answer))}.")],
        *([Span("Measured: "), *measurement_text(each), Span(".")] for each in [*answer.measured, *answer.beside]),
        *(line for other in others if other is not answer for line in _elsewhere(other)),
        _what_would_change(told),
    ]
    return Finding(told["claim"], told["question"], sentence, lines)


def _beside(told: dict[str, str], found: list[Answer]) -> Iterator[Finding]:
    """What was compared beside a claim: one for each group of runs that has a verdict on it."""
    for answer in found:
        for each in answer.beside:
            if each.what == told["compares"]:
                lines = [
                    [Span(f"Tested on: {answer_label(answer)}.")],
                    [Span("Measured: "), *measurement_text(each), Span(".")],
                    _what_would_change(told),
                ]
                sentence = told.get(each.verdict, f"{UNDECIDED['inconclusive']}.")
                yield Finding(told["about"], told["question"], sentence, lines)


def _elsewhere(answer: Answer) -> Iterator[Text]:
    """Its verdict, and what it rests on, as far as that was measured; nothing of what was no valid test."""
    if answer.verdict not in (*CONCLUSIVE, "inconclusive", "not run"):
        return
    valid = [part for part in answer.measured if part.verdict != "no valid test"]
    if valid:
        yield [Span(f"Elsewhere: {answer_label(answer)}: {plain(verdict_text(answer))}.")]
    for what in dict.fromkeys(part.what for part in valid):
        alike = [part for part in valid if part.what == what]
        if len(alike) == 1:
            yield [Span("Measured there: "), *measurement_text(alike[0]), Span(".")]
        elif any(part.verdict in CONCLUSIVE for part in alike):
            epochs = [part.verdict for part in answer.measured if part.what == what]
            held = epochs.count("reproduced")
            yield [Span(f"Measured there: loss, {what}: reproduced after {held} of {len(epochs)} epochs.")]


def _decided(told: dict[str, str], answer: Answer) -> str:
    """The sentence of the verdict with its reason, or number of parts, where there is one of its own.

    A claim that was reproduced without some of its models has none: it would say more than was tested.
    """
    verdict, untested = answer.verdict, lacking(answer)
    if verdict == "reproduced" and untested:
        return f"Yes, as far as it was tested. Not tested: {untested}."
    own = (f"{verdict}, {reason(answer)}", f"{verdict}, {len(answer.parts)} parts")
    return next((told[key] for key in own if key in told), told[verdict])


def _undecided(answer: Answer | None) -> str:
    if answer is None:
        return f"{UNDECIDED['not run']}."
    why = reason(answer)
    return f"{UNDECIDED[answer.verdict]}{f' ({why})' if why else ''}."


def _what_would_change(told: dict[str, str]) -> Text:
    return [Span(f"What would change our mind: {told['mind']}")]


def _recall(told: dict[str, str], params: Params, published: Published) -> list[Finding]:
    """One for all whole GAMs and both tasks; none where none was run."""
    names = labels(params, published, params.recall.models)
    judged = [beyond_reach(params, task, model) for model in reaches(params) for task in ("copying", "associative")]
    judged = [each for each in judged if each.lowest is not None]
    if not judged:
        return []
    lines = [*(recall_text(each, names) for each in judged), _what_would_change(told)]
    return [Finding("Recall", told["question"], _of_all(judged, told), lines)]


def _of_all(judged: list[Beyond], told: dict[str, str]) -> str:
    """The sentence of the verdict that all of them share that have one."""
    valid = {each.verdict for each in judged} & told.keys()
    if len(valid) != 1:
        return "It depends on the task, or on the number of layers." if valid else "It could not be tested."
    sentence = told[valid.pop()]
    return sentence if all(each.verdict in told for each in judged) else f"{sentence} {told['not all decided']}"


def _facts(told: dict[str, str], params: Params) -> list[Finding]:
    """None where they were not run."""
    held = facts_held(params)
    if not held:
        return []
    most = max(held, key=lambda each: abs(each.difference.mean))
    ahead = "GAM" if most.difference.mean > 0 else "the wider network"
    sentence = f"Where they differ most, at {most.pairs:,} facts, {ahead} knows more of them."
    lines = [*map(_held_text, held), [Span(told["remark"])], _what_would_change(told)]
    return [Finding("Facts", told["question"], sentence, lines)]


def _held_text(held: FactsHeld) -> Text:
    return [
        Span(f"{held.pairs:,} facts: GAM "),
        Span(f"{held.gam:.3f}", files=held.files[:1]),
        Span(", the wider network "),
        Span(f"{held.ffn:.3f}", files=held.files[1:]),
        Span(" right; GAM − network "),
        Span(with_interval(held.difference, 4), files=held.files),
        Span(f", {held.difference.n} seeds."),
    ]
