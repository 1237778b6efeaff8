"""How a measurement and an answer read: the one place where the numbers of the claims become text."""

from dataclasses import replace

from pipeline.claims.answers import Answer
from pipeline.claims.growth import Doubling, Growth
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import NAMES, Assay, Machine, Measurement, Reach, Unit
from pipeline.claims.verdicts import CONCLUSIVE, WORST_FIRST
from pipeline.params.families import PAPER
from pipeline.report.tables.layout import NOT_RUN, Span, Text, with_interval

LONGEST = 110
"""Characters of a cell, as shown."""
MISSING = "–"
SEVERITY = (*WORST_FIRST, "reproduced")
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
    value = measurement.value
    if value is None:
        return [Span(NOT_RUN if measurement.verdict == NOT_RUN else MISSING)]
    if isinstance(value, Estimate):
        assert measurement.unit is not None
        factor, decimals, unit = FORMS[measurement.unit]
        if value.low is None:
            return [_linked(measurement, f"{factor * value.mean:z.{decimals}f}"), Span(f"{unit} (no interval)")]
        mean, space, interval = with_interval(value.times(factor), decimals).partition(" ")
        if unit == " %":  # beside the number, where it does not read as one of the interval's
            return [_linked(measurement, f"{mean}{unit}"), Span(f"{space}{interval}")]
        return [_linked(measurement, mean), Span(f"{space}{interval}{unit}")]
    if isinstance(value, Reach):
        tokens = str(value.fewest) if value.fewest == value.most else f"{value.fewest} to {value.most}"
        return [_linked(measurement, tokens), Span(f" tokens, its convolutions alone reach {value.convolutions}")]
    if isinstance(value, Growth):
        first, *rest = _ends(value.ratios)
        predicted = f", by arithmetic {' to '.join(_ends(value.predicted))}" if value.predicted else ""
        return [_linked(measurement, first), Span(f"{''.join(f' to {last}' for last in rest)}{predicted}")]
    gam = "" if value.gam_fits else "not "
    return [Span("the Transformer "), _linked(measurement, f"{value.transformer}"), Span(f", GAM {gam}{value.gam}")]


def reproduced_text(answer: Answer) -> Text:
    """All measurements of an answer where they are short, else how many are as claimed, and the least of them."""
    measured = answer.measured
    if not measured:
        return [Span(NOT_RUN if answer.verdict == NOT_RUN else MISSING)]
    everything = _joined([_named(each) for each in measured])
    if len(measured) == 1 or (len(plain(everything)) <= LONGEST and not any(each.at for each in measured)):
        return everything
    weakest = _weakest(measured)
    is_series = all(each.at and each.what == weakest.what for each in measured)
    counted = f"{len(measured)}{' ' + weakest.at.split()[0] + 's' if is_series else ''}"
    held, unsure, invalid = (
        sum(each.verdict == verdict for each in measured) for verdict in ("reproduced", "inconclusive", "no valid test")
    )
    is_judged = answer.verdict in (*CONCLUSIVE, "inconclusive")
    head = f"holds in {held} of {counted}" if is_judged else f"{counted} measured"
    doubt = f", unsure in {unsure}" if is_judged and unsure else ""
    doubt += f", not valid in {invalid}" if is_judged and invalid else ""
    if not isinstance(weakest.value, Estimate):
        return [Span(f"{head}{doubt}; "), *_named(weakest)]
    least = "least sure" if is_judged and weakest.verdict in ("inconclusive", "reproduced") else "lowest"
    name = weakest.at if is_series else name_of(weakest)
    told = [Span(f"{head}{doubt}; {least}: {name}, "), *value_text(weakest)]
    if len(plain(told)) > LONGEST:  # the section of the claim has each part with its verdict
        told[0] = Span(f"{head}; {least}: {name}, ")
    return told


def measurement_text(measurement: Measurement) -> Text:
    """One line: what, the value, what was counted, and the verdict."""
    subject = SUBJECTS[measurement.unit] if measurement.unit else ""
    name = f"{subject}{name_of(measurement)}"
    if measurement.answered_by:
        return [Span(f"{name}: as {measurement.answered_by}; {_verdict(measurement)}")]
    if measurement.value is None:
        why = f": {measurement.remark}" if measurement.verdict == NOT_RUN and measurement.remark else ""
        return [Span(f"{name}: "), *value_text(measurement), *([Span(why)] if why else [])]
    remark = "" if measurement.verdict == NOT_RUN else in_brackets(measurement.remark)
    grown = measurement.value.doublings if isinstance(measurement.value, Growth) else ()
    counted = counted_text(measurement) if measurement.n else ""
    told = [*map(_doubling_text, grown), counted, standing(measurement), _verdict(measurement)]
    return [Span(f"{name}{remark}: "), *value_text(measurement), Span("; " + "; ".join(filter(None, told)))]


def standing(measurement: Measurement) -> str:
    """Whether a test was named beforehand, and whether the claim rests on it."""
    if measurement.unit not in ("nats", "gate") or measurement.verdict in ("not judged", NOT_RUN):
        return "" if measurement.is_part else "beside the claim"
    return "primary" if measurement.tests else "secondary" if measurement.is_part else "secondary, beside the claim"


def _verdict(measurement: Measurement) -> str:
    """With its reason."""
    if measurement.verdict == "no valid test" and measurement.assay:
        return f"no valid test: {assay_text(measurement.assay)}"
    if measurement.verdict == NOT_RUN and measurement.remark:
        return f"{NOT_RUN}: {measurement.remark}"
    alone = measurement.uncorrected
    return measurement.verdict + (f" ({alone} without the correction for {measurement.tests} tests)" if alone else "")


def assay_text(assay: Assay) -> str:
    """The two losses that a test needs to be apart."""
    return f"{NAMES[assay.role]}'s loss {assay.loss:.4f}, a {assay.yardstick} count's {assay.count_loss:.4f}"


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


def _linked(measurement: Measurement, number: str) -> Span:
    """With the files that it is from."""
    link = measurement.source.as_posix() if measurement.source else ""
    return Span(number, link=link, files=measurement.files)


def _where(answer: Answer, full: bool) -> str:
    machines = dict.fromkeys(each.machine for each in answer.measurements if each.machine)
    length = f", T = {answer.size.block_size}" if answer.size and full else ""
    size = f"d = {answer.size.d_model}, {answer.size.n_layer} layers{length}" if answer.size else "no GAM"
    if answer.dataset is not None and answer.family is not None:
        return f"{runs_label(answer.dataset, answer.family)}; {size}"
    return "; ".join(_machine_text(machine, size, full) for machine in machines) or f"any text; {size}"


def _machine_text(machine: Machine, size: str, full: bool) -> str:
    on = f"{machine.precision} on {machine.device} ({machine.device_type})"
    if machine.block_size is None:
        time, memory = machine.batch_size, machine.memory_batch_size
        batch = f"batch {time}" if time == memory else f"batch {time} for time, {memory} for memory"
        return f"one block, d = {machine.d_model}, {batch}; {on}"
    text = f"any text, {machine.batch_size} x {machine.block_size} tokens; " if full else ""
    return f"{text}{size}; {on}"


def _ends(ratios: list[float]) -> list[str]:
    """The smallest and the largest, once where they read alike."""
    return list(dict.fromkeys(f"x{ratio:.2f}" for ratio in (min(ratios), max(ratios))))


def _doubling_text(doubling: Doubling) -> str:
    ratio = doubling.ratio
    varies = ratio.low != ratio.high
    interval = f" [{ratio.low:.2f}, {ratio.high:.2f}] ({ratio.n} rounds)" if varies else ""
    return f"from {doubling.length} tokens x{ratio.mean:.2f}{interval}"


def in_brackets(remark: str) -> str:
    """Behind what it is about; nothing where there is none."""
    return f" ({remark})" if remark else ""


def name_of(measurement: Measurement) -> str:
    """What, and at which epoch or layer."""
    return ", ".join(filter(None, (measurement.what, measurement.at)))


def _named(measurement: Measurement) -> Text:
    return [Span(f"{name_of(measurement)}: "), *value_text(measurement)]


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
