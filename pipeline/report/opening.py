"""The opening of README.md, which `python -m pipeline readme` copies: losses with their files, and every verdict."""

from pipeline.artifacts.current import left_out_notes, read_ngrams
from pipeline.artifacts.records import NGRAMS
from pipeline.base import paths
from pipeline.claims.baselines import worths
from pipeline.claims.comparisons import NAMES, Evidence, all_evidence, loss
from pipeline.claims.intervals import estimate
from pipeline.claims.verdicts import UNDECIDED
from pipeline.params.models import Role
from pipeline.params.schema import Params
from pipeline.report.tables.layout import NOT_RUN, Table, reproduced_cell

SHOWN: tuple[Role, ...] = ("transformer", "mamba", "gam")


def finding(params: Params, claims: Table) -> str:
    """Markdown, with links as seen from paper_tables/. `claims` is the table of all verdicts."""
    header = [
        "Text",
        "Models",
        *(NAMES[role] for role in SHOWN),
        "n",
        *(f"{name.capitalize()} count" for name in NGRAMS),
    ]
    rule = ["---", "---", *["---:"] * (len(header) - 2)]
    found = all_evidence(params)
    lines = [header, rule, *([*_row(evidence), *_counts(evidence)] for evidence in found)]
    learned = worths(params)
    parts = [
        "Validation loss in nats per token after the last epoch: mean over n seeds ± half the width of its 95 % "
        "t interval, and a link to the files that it is from.",
        "\n".join(f"| {' | '.join(line)} |" for line in lines),
        *(["\n".join(f"- {sentence}" for sentence in learned)] if learned else []),
        "What the paper claims, as far as it could be judged, with 95 % intervals; n: seeds, rounds of timed steps, or "
        f"lengths ([all claims and the rule](../{(paths.PAPER_TABLES / 'claims.md').as_posix()})):",
    ]
    for group in claims.groups:
        sentences = [_sentence(row) for row in group.rows if row[-1] not in UNDECIDED]
        parts += [f"*{group.label}*", "\n".join(sentences)] if sentences else []
    if all(row[-1] in UNDECIDED for group in claims.groups for row in group.rows):
        parts.append("None yet.")
    waiting = {group.label: [row[0] for row in group.rows if row[-1] == "not run"] for group in claims.groups}
    lines_of = [f"- {label}: {', '.join(names)}" for label, names in waiting.items() if names]
    parts += ["Not run:", "\n".join(lines_of)] if lines_of else []
    return "\n\n".join([*parts, *left_out_notes(params)]) + "\n"


def _row(evidence: Evidence) -> list[str]:
    kinds, counts, cells = [], [], []
    for role in SHOWN:
        name, curves = evidence.model(role), list(evidence.curves[role].values())
        if name is None:
            cells.append("–")
            continue
        entry = evidence.params.models[name]
        kinds.append(f"d = {entry.d_model}, {entry.n_layer} layers, {entry.precision}")
        counts.append(len(curves))
        if curves:
            folder = paths.curve(evidence.dataset, name, 0).parent.as_posix()
            cells.append(f"[{reproduced_cell(estimate([loss(c, 'last') for c in curves]), 4)}](../{folder})")
        else:
            cells.append(NOT_RUN)
    n = " to ".join(map(str, sorted({min(counts, default=0), max(counts, default=0)})))
    return [evidence.dataset, "; ".join(dict.fromkeys(kinds)), *cells, n]


def _counts(evidence: Evidence) -> list[str]:
    """What counts of the same tokens are worth."""
    ngrams = read_ngrams(evidence.params, evidence.dataset)
    if ngrams is None:
        return [NOT_RUN] * len(NGRAMS)
    file = paths.ngrams(evidence.dataset).as_posix()
    return [f"[{ngrams.models[name]['validation'].loss:.4f}](../{file})" for name in NGRAMS]


def _sentence(row: list[str]) -> str:
    name, claim, states, measured, n, verdict = row
    return f"- {name}, “{claim}” (the paper: {states}): **{verdict}**. {measured}; n = {n}."
