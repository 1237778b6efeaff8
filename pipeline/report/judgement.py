"""How a verdict reads: its reason, and what it must be read with."""

from pipeline.claims.answers import Answer
from pipeline.claims.measurements import NAMES
from pipeline.claims.verdicts import CONCLUSIVE, FEWEST
from pipeline.report.tables.layout import NOT_RUN, Span, Text
from pipeline.report.wording import LONGEST, assay_text, in_brackets, name_of


def verdict_text(answer: Answer) -> Text:
    """The verdict, its reason, and all that it must be read with."""
    verdict, why = answer.verdict, reason(answer)
    rest = "".join(f"; {remark}" for remark in remarks(answer))
    text = [Span(verdict, bold=verdict in CONCLUSIVE), Span(f": {why}" if why else ""), Span(rest)]
    return [span for span in text if span.text]


def reason(answer: Answer) -> str:
    """What the verdict comes from, where it does not show."""
    verdict, parts, deciding = answer.verdict, answer.parts, answer.deciding
    if verdict == "not judged":
        return f"there is no {lacking(answer)}" if lacking(answer) else ""
    if verdict == NOT_RUN:
        missing = [each.remark or ("some seeds" if each.value is not None else each.what) for each in deciding]
        is_begun = any(each.value is not None for each in answer.measurements)
        return ", ".join(dict.fromkeys(missing)) if is_begun else ""
    if verdict == "no valid test":
        return next(assay_text(each.assay) for each in deciding if each.assay)
    if verdict == "inconclusive" and answer.has_too_few:
        return f"fewer than {FEWEST} seeds"
    if verdict in ("contradicted", "no effect") and len(deciding) < len(parts):
        names = ", ".join(f"{name_of(each)}{in_brackets(each.remark)}" for each in deciding)
        return names if len(names) <= LONGEST // 2 else f"{len(deciding)} of {len(parts)} parts"
    remarks_of_all = {each.remark for each in deciding}
    return remarks_of_all.pop() if verdict == "contradicted" and len(remarks_of_all) == 1 else ""


def remarks(answer: Answer) -> list[str]:
    """What a verdict must be read with."""
    verdict, alone, untested = answer.verdict, answer.uncorrected, lacking(answer)
    invalid = sum(each.verdict == "no valid test" for each in answer.parts)
    unjudged = [each for each in answer.measurements if each.value and each.is_part and each.verdict == "not judged"]
    found = []
    if alone != verdict:
        found.append(f"{alone} without correction")
    if invalid and verdict in CONCLUSIVE:
        found.append(f"no valid test of {invalid} {'part' if invalid == 1 else 'parts'}")
    if untested and verdict != "not judged":
        found.append(f"not tested here: {untested}")
    if any(each.is_test for each in answer.deciding) and verdict in (*CONCLUSIVE, "inconclusive"):
        found.append("primary" if answer.is_primary else "secondary")
    return [*found, *(f"not judged: {each.what}{in_brackets(each.remark)}" for each in unjudged)]


def lacking(answer: Answer) -> str:
    """Models that it is about and that there are none of."""
    return ", ".join(dict.fromkeys(NAMES[role] for each in answer.measurements for role in each.lacking))
