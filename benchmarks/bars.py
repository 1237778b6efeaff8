"""What speed is asked for, what was measured of it, and whether it is reached."""

from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, Literal

from benchmarks.measure import ratio

Measured = tuple[float, float, float]
"""Median, lower and upper quartile of the rounds."""


@dataclass(frozen=True)
class Bar:
    """One demand."""

    what: str
    at: Literal["least", "most"]
    asked: float
    unit: str
    measured: Measured | None
    """None where the hardware or the text is not there."""

    @property
    def holds(self) -> bool | None:
        """Whether the median reaches it; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured[0] >= self.asked if self.at == "least" else self.measured[0] <= self.asked

    def row(self) -> str:
        """A row of a Markdown table."""
        sign, verdict = "≥" if self.at == "least" else "≤", {True: "holds", False: "**does not hold**", None: ""}
        measured = "not seen"
        if self.measured is not None:
            middle, low, high = (f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in self.measured)
            measured = f"{middle} [{low}, {high}]" if low != high else middle
        return f"| {self.what} | {sign} {self.asked:g} {self.unit} | {measured} | {verdict[self.holds]} |"


def bars(results: dict[str, Any]) -> list[Bar]:
    """Every demand, with what these results say of it."""
    seen = measured(results).get
    features = results.get("cpu", [])
    gam, transformer = (0.4, 0.3) if "amx_bf16" in features else (0.85, 0.75)
    kind = "with AMX" if "amx_bf16" in features else "with AVX512-BF16"
    return [
        Bar("GAM step, float32: share of products' rate", "least", 0.8, "", seen("gam float32 share")),
        Bar("GAM step, float32: published / ours", "least", 1.08, "", seen("gam float32 gain")),
        Bar(
            f"GAM step, bfloat16 {kind}: share of products' rate",
            "least",
            gam,
            "",
            seen("gam bfloat16 share"),
        ),
        Bar("GAM step, bfloat16: published / ours", "least", 1.3, "", seen("gam bfloat16 gain")),
        Bar("Transformer step, float32: share of products' rate", "least", 0.9, "", seen("transformer float32 share")),
        Bar("Transformer step, float32: published / ours", "least", 1.2, "", seen("transformer float32 gain")),
        Bar(
            f"Transformer step, bfloat16 {kind}: share of products' rate",
            "least",
            transformer,
            "",
            seen("transformer bfloat16 share"),
        ),
        Bar(
            "Transformer step, bfloat16: published / ours",
            "least",
            1.5,
            "",
            seen("transformer bfloat16 gain"),
        ),
        Bar("GAM block, 2 x 2,048, float32: published / ours", "least", 1, "", seen("cpu block gain by itself")),
        Bar("the same: peak memory, ours / published", "most", 0.65, "", seen("cpu block peak by itself")),
        Bar("GAM block, 2 x 2,048, float32: published / compiled", "least", 1.08, "", seen("cpu block gain")),
        Bar("the same: peak memory, compiled / published", "most", 0.6, "", seen("cpu block peak")),
        Bar("Mamba step / GAM step, float32", "most", 4, "", seen("mamba")),
        Bar("Mamba step, float32: peak memory", "most", 4096, "MiB", seen("mamba peak")),
        Bar("WikiText-2 tokenised", "most", 4, "s", seen("tokenisation")),
        Bar("Tables of all grids", "most", 2, "s", seen("tables")),
        Bar("`dvc repro` of the paper's grid with nothing to do", "most", 5, "s", seen("nothing_to_do")),
        Bar("H200: GAM block, 16 x 8,192, bfloat16, compiled", "most", 6.5, "ms", seen("h200 block")),
        Bar("H200: the same: peak memory, compiled / published", "most", 0.4, "", seen("h200 block peak")),
        Bar("H200: GAM step, published float32 / compiled bfloat16", "least", 6, "", seen("h200 gain")),
    ]


def measured(results: dict[str, Any]) -> dict[str, Measured]:
    """What the bars are about, as far as this machine has shown it."""
    seen = {name: _spread(seconds) for name, seconds in results["commands"].items() if seconds}
    block, steps = results["block"], {(step["model"], step["precision"]): step["seconds"] for step in results["steps"]}
    peak = _constant(block["peak_mib"]["compiled"] / block["peak_mib"]["plain"])
    if results["provenance"]["device_type"] == "cuda":
        if "H200" not in results["provenance"]["device"]:
            return seen
        milliseconds = [1000 * seconds for seconds in block["seconds"]["compiled"]]
        gain = ratio(steps["gam", "float32"]["plain"], steps["gam", "bfloat16"]["ours"])
        return seen | {"h200 block": _spread(milliseconds), "h200 block peak": peak, "h200 gain": gain}
    for (model, precision), seconds in steps.items():
        model = model.removesuffix("-fused")
        seen[f"{model} {precision} gain"] = ratio(seconds["plain"], seconds["ours"])
        if precision == "float32" or results["cpu"]:
            seen[f"{model} {precision} share"] = ratio(seconds["products"], seconds["ours"])
    mamba = results["mamba"]
    return seen | {
        "cpu block gain by itself": ratio(block["seconds"]["plain"], block["seconds"]["ours"]),
        "cpu block peak by itself": _constant(block["peak_mib"]["ours"] / block["peak_mib"]["plain"]),
        "cpu block gain": ratio(block["seconds"]["plain"], block["seconds"]["compiled"]),
        "cpu block peak": peak,
        "mamba": ratio(mamba["seconds"]["mamba"], mamba["seconds"]["gam"]),
        "mamba peak": _constant(mamba["peak_mib"]),
    }


def _spread(values: list[float]) -> Measured:
    low, _, high = quantiles(values, n=4, method="inclusive")
    return median(values), low, high


def _constant(value: float) -> Measured:
    return value, value, value
