"""The verdicts in summary.json: with all that the tables say of them, by text, family and claim."""

from dataclasses import asdict
from typing import Any

from pipeline.claims.answers import Answer
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Measurement
from pipeline.params.schema import Params
from pipeline.report.judgement import reason, remarks
from pipeline.report.notes import SMALLER, too_small
from pipeline.report.published import Published
from pipeline.report.wording import name_of, standing


def claims_summary(params: Params, published: Published, found: list[Answer]) -> dict[str, Any]:
    """Those on time and memory stand under `devices`, by the name of the device."""
    summary: dict[str, Any] = {}
    small = too_small(params, published)
    for answer in found:
        runs, device = answer.dataset or "devices", answer.device.name if answer.device else ""
        place: dict[str, Any] = summary.setdefault(runs, {}).setdefault(answer.family or device or "none", {})
        said = [*remarks(answer), *([f"the paper's own effect is {SMALLER}"] if answer.claim in small else [])]
        told = {"verdict": answer.verdict, "reason": reason(answer), "remarks": said}
        parts = {name_of(each): _measurement(each) for each in answer.measurements if not each.lacking}
        place[answer.claim] = {key: value for key, value in told.items() if value} | ({"parts": parts} if parts else {})
    return summary


def _measurement(measurement: Measurement) -> dict[str, Any]:
    """What is known of it; what does not apply is left out."""
    m = measurement
    known = {
        "verdict": m.verdict,
        "answered_by": m.answered_by,
        "test": standing(m),
        "without_correction": m.uncorrected,
        "level": m.level,
        "n": m.n or None,
        "counted": m.counted if m.n else "",
        "unit": m.unit if m.value is not None else "",
        "won": m.won,
        "assay": asdict(m.assay) if m.assay else None,
        "remark": m.remark,
    }
    value: dict[str, Any] = {}
    if isinstance(m.value, Estimate):
        value = {"mean": m.value.finite_mean, "low": m.value.low, "high": m.value.high}
    elif m.value is not None:
        value = asdict(m.value)
    return {key: each for key, each in (known | value).items() if each is not None and each != ""}
