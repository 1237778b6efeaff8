"""What docs/performance.md shows of the results."""

from statistics import median
from typing import Any

from benchmarks.bars import bars
from benchmarks.measure import ratio
from pipeline.claims.intervals import estimate
from pipeline.report.tables.layout import with_interval

LARGEST = 12
"""Operations that are named."""
NAMES = {"plain": "published", "products": "products alone"}


def report(results: dict[str, Any]) -> str:
    """The machine, the bars, and the figures behind them, as Markdown."""
    tables = (
        [machine(results)],
        [
            "| | asked | measured: median [quartiles] | |",
            "| --- | --- | --- | --- |",
            *(b.row() for b in bars(results)),
        ],
        steps(results),
        operations(results),
        block(results),
        side_by_side(results),
        loss_changes(results),
        kernels(results),
    )
    return "\n\n".join("\n".join(lines) for lines in tables if lines) + "\n"


def machine(results: dict[str, Any]) -> str:
    """One line."""
    p, busy = results["provenance"], results["busy_before"]
    packages = ", ".join(f"{name} {p['packages'][name]}" for name in ("python", "torch"))
    busy = "" if busy is None else f"; processors busy just before: {busy:.0%}"
    idle = median(results["commands"]["nothing_to_do_in_all_grids"])
    where = (
        f"{p['device']} ({p['device_type']}, {p['threads']} threads); {packages}; allocator: {p['allocator']}{busy}."
    )
    return f"{where} `dvc repro` of all grids with nothing to do: {idle:.1f} s."


def steps(results: dict[str, Any]) -> list[str]:
    """Median milliseconds and peak memory of whole training steps."""
    lines = [
        "| training step | products: TFLOP | tokens/s | TFLOP/s | ms: products alone | ours | published "
        "| published, default allocator | peak MiB: ours | published |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for step in results["steps"]:
        seconds = {how: median(values) for how, values in step["seconds"].items()}
        milliseconds = [_milliseconds(seconds[how]) for how in ("products", "ours", "plain")]
        default = step["default_allocator_seconds"]
        cells = [
            f"{step['model']}, {step['precision']}{', compiled' if step['compiled'] else ''}",
            f"{step['flop'] / 1e12:.3f}",
            f"{step['tokens'] / seconds['ours']:,.0f}",
            f"{step['flop'] / seconds['ours'] / 1e12:.3f}",
            *milliseconds,
            f"{1000 * median(default):,.0f}" if default else "–",
            f"{step['peak_mib']:,.0f}",
            f"{step['plain_peak_mib']:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def operations(results: dict[str, Any]) -> list[str]:
    """Where the time of our steps goes on a CPU, the most expensive kinds of operations first."""
    lines = ["| milliseconds of our step by operation | |", "| --- | --- |"]
    for step in results["steps"]:
        ranked = sorted(step["operations"].items(), key=lambda item: -item[1])
        named = ", ".join(f"{name} {1000 * seconds:,.0f}" for name, seconds in ranked[:LARGEST])
        rest = sum(seconds for _, seconds in ranked[LARGEST:])
        lines.append(f"| {step['model']}, {step['precision']} | {named}, all else {1000 * rest:,.0f} |")
    return lines if any(step["operations"] for step in results["steps"]) else []


def side_by_side(results: dict[str, Any]) -> list[str]:
    """What `make grid JOBS=n` gains."""
    found = results["side_by_side"]
    one_after_another, at_once = found["one_after_another"], found["side_by_side"]
    middle, low, high = ratio(one_after_another, at_once)
    return [
        f"| {found['jobs']} short trainings on {found['cores']} cores | s: one after another | side by side "
        "| times as fast: median [quartiles] |",
        "| --- | ---: | ---: | ---: |",
        f"| two layers of GAM, whole commands | {median(one_after_another):.1f} | {median(at_once):.1f} "
        f"| {middle:.2f} [{low:.2f}, {high:.2f}] |",
    ]


def loss_changes(results: dict[str, Any]) -> list[str]:
    """Differences of loss, paired by seed, with their 95 % intervals."""
    lines = ["| a small GAM trained in another mode | validation loss − float32's, nats |", "| --- | --- |"]
    for mode, differences in results["loss_changes"].items():
        lines.append(f"| {mode} | {with_interval(estimate(differences), 4, '+')}, n = {len(differences)} |")
    return lines


def kernels(results: dict[str, Any]) -> list[str]:
    """What the Triton kernels need, compiled without a GPU."""
    lines = [
        "| Triton kernel | compiled for | registers | bytes spilled | bytes of shared memory |",
        f"| --- | --- |{' ---: |' * 3}",
    ]
    for each in results.get("kernels", []):
        cells = [each[name] for name in ("name", "card", "registers", "spilled_bytes", "shared_bytes")]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines if len(lines) > 2 else []


def block(results: dict[str, Any]) -> list[str]:
    """The same of one long block."""
    found = results["block"]
    name = f"GAM block, {found['batch_size']} x {found['length']:,}, {found['precision']}"
    lines = [f"| {name} | ms | peak MiB |", "| --- | ---: | ---: |"]
    names = NAMES if found["precision"] == "float32" else NAMES | {"plain": "published, float32"}
    for how, seconds in found["seconds"].items():
        peak = f"{found['peak_mib'][how]:,.0f}" if how in found["peak_mib"] else "–"
        lines.append(f"| {names.get(how, how)} | {_milliseconds(median(seconds))} | {peak} |")
    return lines


def _milliseconds(seconds: float) -> str:
    """To three figures or more."""
    return f"{1000 * seconds:,.0f}" if seconds >= 0.1 else f"{1000 * seconds:.3g}"
