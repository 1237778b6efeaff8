"""How a measurement and an answer read: the one place where the numbers of the claims become text."""

from dataclasses import replace

from pipeline.claims.answers import Answer
from pipeline.claims.growth import Doubling, Growth
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import NAMES, Machine, Measurement, Reach, Unit
from pipeline.claims.verdicts import Verdict
from pipeline.params.families import PAPER
from pipeline.report.tables.layout import NOT_RUN, Span, Text, with_interval

LONGEST = 90
"""Characters of a cell, as shown."""
MISSING = "–"
SEVERITY: list[Verdict] = ["not run", "not reproduced", "inconclusive", "reproduced"]
FORMS: dict[Unit, tuple[float, int, str]] = {
    "nats": (1, 4, " nats"),
    "share of time": (100, 1, " %"),
    "gate": (1, 4, ""),
}
"""Factor, decimals, and what stands behind the number."""
SUBJECTS: dict[Unit, str] = {
    "nats": "loss, ",
    "share of time": "time of a training step that GAM saves, ",
    "gate": "gate of the convolution less gate of the memory, ",
}
"""What is measured in a unit, before the name of the measurement."""


def plain(text: Text) -> str:
    """As shown, without links and bold."""
    return "".join(span.text for span in text)


def value_text(measurement: Measurement) -> Text:
    """The value with its interval, its first number linked to the file that it is from."""
    value, link = measurement.value, measurement.source.as_posix() if measurement.source else ""
    if value is None:
        return [Span(NOT_RUN if measurement.verdict == NOT_RUN else MISSING)]
    if isinstance(value, Estimate):
        assert measurement.unit is not None
        factor, decimals, unit = FORMS[measurement.unit]
        if value.low is None:
            return [Span(f"{factor * value.mean:z.{decimals}f}", link=link), Span(f"{unit} (no interval)")]
        mean, space, interval = with_interval(value.times(factor), decimals).partition(" ")
        if unit == " %":  # beside the number, where it does not read as one of the interval's
            return [Span(f"{mean}{unit}", link=link), Span(f"{space}{interval}")]
        return [Span(mean, link=link), Span(f"{space}{interval}{unit}")]
    if isinstance(value, Reach):
        tokens = str(value.fewest) if value.fewest == value.most else f"{value.fewest} to {value.most}"
        return [Span("the last "), Span(tokens, link=link), Span(f"; with its convolutions alone {value.convolutions}")]
    if isinstance(value, Growth):
        first, *rest = _ends(value.ratios)
        predicted = f", by arithmetic {' to '.join(_ends(value.predicted))}" if value.predicted else ""
        return [Span(first, link=link), Span(f"{''.join(f' to {last}' for last in rest)}{predicted}")]
    fits = "fits" if value.gam_fits else "does not fit"
    return [Span("Transformer fits "), Span(f"{value.transformer}", link=link), Span(f", GAM {fits} {value.gam}")]


def reproduced_text(answer: Answer) -> Text:
    """All measurements of an answer where they are short, else how many are as claimed, and the least of them."""
    measured = answer.measured
    if not measured:
        return [Span(NOT_RUN if answer.verdict == NOT_RUN else MISSING)]
    everything = _joined([_named(each) for each in measured])
    if len(plain(everything)) <= LONGEST and not any(each.at for each in measured):
        return everything
    weakest = _weakest(measured)
    is_series = all(each.at and each.what == weakest.what for each in measured)
    counted = f"{len(measured)}{' ' + weakest.at.split()[0] + 's' if is_series else ''}"
    held, unsure = (sum(each.verdict == verdict for each in measured) for verdict in ("reproduced", "inconclusive"))
    head = f"holds in {held} of {counted}" if answer.is_decided else f"{counted} measured"
    doubt = f", unsure in {unsure}" if answer.is_decided and unsure else ""
    name = weakest.at if is_series else _name(weakest)
    is_doubt = answer.is_decided and weakest.verdict != "not reproduced"
    least = "least sure" if is_doubt else "lowest"
    return [Span(f"{head}{doubt}; {least}: {name}, "), *value_text(weakest)]


def measurement_text(measurement: Measurement) -> Text:
    """One line: what, the value, what was counted, and the verdict."""
    subject = SUBJECTS[measurement.unit] if measurement.unit else ""
    remark = _in_brackets(measurement.remark)
    text = [Span(f"{subject}{_name(measurement)}{remark}: "), *value_text(measurement)]
    if isinstance(measurement.value, Growth):
        text.append(Span(f"; {', '.join(map(_doubling_text, measurement.value.doublings))}"))
    if measurement.value is not None:
        text.append(Span(f"; {counted_text(measurement)}" if measurement.n else ""))
    if not (measurement.value is None and measurement.verdict == NOT_RUN):
        text.append(Span(f"; {measurement.verdict}"))
    return text


def verdict_text(answer: Answer) -> Text:
    """The verdict, and all that it must be read with."""
    verdict = answer.verdict
    text = [Span(verdict, bold=verdict in ("reproduced", "not reproduced"))]
    missing = [each for each in answer.measurements if each.verdict == NOT_RUN]
    if verdict == NOT_RUN and any(each.value is not None for each in answer.measurements):
        waits = any(each.value is not None for each in missing)
        names = ["some seeds"] if waits else [each.what for each in missing]
        text.append(Span(f": {', '.join(names)}"))
    lacking = ", ".join(dict.fromkeys(NAMES[role] for each in answer.measurements for role in each.lacking))
    if verdict == "not judged" and lacking:
        text.append(Span(f": there is no {lacking}"))
    remarks = [f"not tested here: {lacking}"] if verdict != "not judged" and lacking else []
    unjudged = [each for each in answer.measurements if each.value is not None and each.verdict == "not judged"]
    remarks += [f"not judged: {each.what}{_in_brackets(each.remark)}" for each in unjudged]
    # A property of the architecture is there or not, however little was learned.
    rests_on_learning = any(isinstance(each.value, Estimate) for each in answer.measured)
    if answer.is_decided and rests_on_learning and answer.baselines and answer.baselines.remark:
        remarks.append(answer.baselines.remark)
    text.append(Span("".join(f"; {remark}" for remark in remarks)))
    return [span for span in text if span.text]


def evidence_text(answer: Answer) -> str:
    """Which text and models a row is about, and how many were counted."""
    if not answer.measured:
        return MISSING
    counts = dict.fromkeys(_count(each) for each in answer.measured if each.n)
    return "; ".join([_where(answer, full=False), *counts])


def answer_label(answer: Answer) -> str:
    """The same at full length, without what was counted."""
    return _where(answer, full=True)


def counted_text(measurement: Measurement) -> str:
    """How many were counted, and in how many of them it was as claimed."""
    won = "" if measurement.won is None else f", {measurement.won * measurement.n:g} as claimed"
    return f"{_count(measurement)}{won}"


def runs_label(dataset: str, family: str) -> str:
    """The runs of one family on one text."""
    return dataset if family == PAPER else f"{dataset}, {family} runs"


def _where(answer: Answer, full: bool) -> str:
    machines = dict.fromkeys(each.machine for each in answer.measurements if each.machine)
    length = f", T = {answer.size.block_size}" if answer.size and full else ""
    size = f"d = {answer.size.d_model}, {answer.size.n_layer} layers{length}" if answer.size else "no GAM"
    if answer.dataset is not None and answer.family is not None:
        return f"{runs_label(answer.dataset, answer.family)}; {size}"
    return "; ".join(_machine_text(machine, size) for machine in machines) or f"any text; {size}"


def _machine_text(machine: Machine, size: str) -> str:
    on = f"{machine.precision} on {machine.device} ({machine.device_type})"
    if machine.block_size is None:
        batch = f"batch {machine.batch_size} (memory: {machine.memory_batch_size})"
        return f"one block, d = {machine.d_model}, {batch}; {on}"
    return f"any text, {machine.batch_size} x {machine.block_size} tokens; {size}; {on}"


def _ends(ratios: list[float]) -> list[str]:
    """The smallest and the largest, once where they read alike."""
    return list(dict.fromkeys(f"x{ratio:.2f}" for ratio in (min(ratios), max(ratios))))


def _doubling_text(doubling: Doubling) -> str:
    ratio = doubling.ratio
    varies = ratio.low != ratio.high
    interval = f" [{ratio.low:.2f}, {ratio.high:.2f}] ({ratio.n} rounds)" if varies else ""
    return f"from {doubling.length} tokens x{ratio.mean:.2f}{interval}"


def _in_brackets(remark: str) -> str:
    return f" ({remark})" if remark else ""


def _name(measurement: Measurement) -> str:
    return ", ".join(filter(None, (measurement.what, measurement.at)))


def _named(measurement: Measurement) -> Text:
    return [Span(f"{_name(measurement)}: "), *value_text(measurement)]


def _count(measurement: Measurement) -> str:
    return f"{measurement.n} {measurement.counted.removesuffix('s') if measurement.n == 1 else measurement.counted}"


def _joined(texts: list[Text]) -> Text:
    """One after the other, each file linked once."""
    joined: Text = []
    for text in texts:
        there = {span.link for span in joined}
        joined += [Span("; ")] if joined else []
        joined += [replace(span, link="") if span.link in there else span for span in text]
    return joined


def _weakest(measured: list[Measurement]) -> Measurement:
    """Of those with the worst verdict the one whose interval begins lowest, as far as they are of one unit."""
    worst = min(measured, key=lambda each: SEVERITY.index(each.verdict))
    alike = [each for each in measured if each.verdict == worst.verdict and each.unit == worst.unit]
    return min(alike, key=_low)


def _low(measurement: Measurement) -> float:
    value = measurement.value
    if not isinstance(value, Estimate):
        return 0.0
    return value.mean if value.low is None else value.low
