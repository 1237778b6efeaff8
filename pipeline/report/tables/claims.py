"""The answers to the paper's claims: twelve rows, one a claim, and below them every measurement."""

from dataclasses import dataclass

from pipeline.artifacts.current import left_out_notes, training_seconds
from pipeline.artifacts.devices import read_devices
from pipeline.artifacts.records import Clock
from pipeline.claims.answers import Answer, answered_by, by_claim, most_telling
from pipeline.claims.comparisons import all_compared_runs
from pipeline.params.schema import Params
from pipeline.report.judgement import verdict_text
from pipeline.report.notes import baseline_notes, in_short, rule, states, terms, too_small_notes
from pipeline.report.published import Published
from pipeline.report.tables.layout import NOT_RUN, Span, Text, cost_notes, machine_notes
from pipeline.report.tables.rendering import markdown_list, markdown_table, markdown_text, render
from pipeline.report.wording import MISSING, answer_label, evidence_text, measurement_text, reproduced_text

TITLE = "The paper's claims, answered"
HEADERS = ["The paper claims", "Published", "Reproduced [95 % interval]", "Verdict", "Evidence"]


@dataclass(frozen=True)
class Item:
    """What one text and one family of models say of a claim."""

    text: Text
    measurements: list[Text]


@dataclass(frozen=True)
class Section:
    """Everything about one claim."""

    claim: str
    says: str
    """The claim in words."""
    states: str
    """What the paper publishes for it."""
    items: list[Item]

    @property
    def text(self) -> str:
        return f"{self.says}. Published: {self.states}."


def answer_rows(params: Params, found: list[Answer], published: Published, sections: str) -> list[list[Text]]:
    """Twelve rows: answered at the paper's size, answered by smaller models, not answered.

    `sections`: the file with a section for each claim; empty where the rows stand in it.
    """
    shown = {claim: most_telling(each) for claim, each in by_claim(found).items()}
    rows: list[list[Text]] = []
    earlier: list[Answer] = []
    stated = states(params, published)
    for claim, answer in sorted(shown.items(), key=lambda pair: _group(pair[1])):
        told = published.claims[claim].claim
        cells = [[Span(claim, link=f"{sections}#{claim.lower()}"), Span(f" {told}")], [Span(stated[claim])]]
        rows.append([*cells, *_cells(answer, earlier)])
        earlier += [answer] if answer else []
    return rows


def _group(answer: Answer | None) -> int:
    if answer is None or not answer.was_tested:
        return 2
    return 0 if answer.is_papers_size else 1


def _cells(answer: Answer | None, earlier: list[Answer]) -> list[Text]:
    if answer is None:
        return [[Span(NOT_RUN)], [Span(NOT_RUN)], [Span(MISSING)]]
    same = answered_by(earlier, answer)
    why = "a step takes as long on every text" if answer.dataset is None else "the same measurement"
    reproduced = [Span(f"as {same}: {why}")] if same else reproduced_text(answer)
    return [reproduced, verdict_text(answer), [Span(evidence_text(answer))]]


def claim_sections(params: Params, found: list[Answer], published: Published) -> list[Section]:
    """Every measurement of every answer, claim by claim."""
    sections, stated = [], states(params, published)
    for claim, answers in by_claim(found).items():
        items = [Item(_headline(answer), _measurements(answer)) for answer in answers]
        sections.append(Section(claim, published.claims[claim].claim, stated[claim], items))
    return sections


def _headline(answer: Answer) -> Text:
    return [Span(f"{answer_label(answer)}: "), *verdict_text(answer)]


def _measurements(answer: Answer) -> list[Text]:
    """Only where at least one was made: else the headline says it all."""
    there = [each for each in answer.measurements if not each.lacking]
    if all(each.value is None for each in there):
        return []
    return [measurement_text(each) for each in there]


def claims_markdown(params: Params, published: Published, found: list[Answer]) -> str:
    """claims.md."""
    table = answers_markdown(params, found, published, "")
    parts = [f"# {TITLE}", in_short(found), table, markdown_list(terms(params))]
    for section in claim_sections(params, found, published):
        parts += [f"## {section.claim}", section.text]
        lines = []
        for item in section.items:
            lines.append(f"- {markdown_text(item.text)}")
            lines += [f"  - {markdown_text(text)}" for text in item.measurements]
        parts += ["\n".join(lines)] if lines else []
    parts += ["## Rule and notes", markdown_list(claims_notes(params, published))]
    return "\n\n".join(parts) + "\n"


def answers_markdown(params: Params, found: list[Answer], published: Published, sections: str) -> str:
    """The twelve rows."""
    rows = [[markdown_text(cell) for cell in row] for row in answer_rows(params, found, published, sections)]
    return markdown_table(HEADERS, rows, "lllll")


def claims_latex(params: Params, published: Published, found: list[Answer]) -> str:
    """claims.tex: a float, and what flows after it."""
    return render(
        "claims.tex.j2",
        title=TITLE,
        headers=HEADERS,
        rows=answer_rows(params, found, published, ""),
        in_short=in_short(found),
        terms=terms(params),
        sections=claim_sections(params, found, published),
        notes=claims_notes(params, published),
    )


def claims_notes(params: Params, published: Published) -> list[str]:
    """The rule, and what the answers were made with."""
    provenances = [provenance for device in read_devices(params) for provenance in device.provenances]
    clocks: dict[tuple[str, str, int], Clock] = {}
    for runs in all_compared_runs(params):
        provenances += runs.provenances()
        clocks |= {(clock.dataset, clock.model, clock.seed): clock for clock in runs.clocks()}
    return [
        *rule(params.claims),
        *too_small_notes(params, published),
        *baseline_notes(params),
        *cost_notes(f"The {len(clocks)} trainings", training_seconds(list(clocks.values()))),
        *left_out_notes(params),
        *machine_notes(provenances),
    ]
