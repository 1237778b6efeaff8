"""Numbers that stand in the sentences of docs/ are those of the measurements in git."""

import json
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from pipeline.base.paths import HOUSE
from pipeline.params.schema import load_params

H100 = "nvidia-h100-80gb-hbm3"


def words(page: str) -> str:
    """A page without its line breaks."""
    return " ".join((HOUSE / "docs" / page).read_text(encoding="utf-8").split())


def measured(file: str) -> Any:
    return json.loads((HOUSE / file).read_text(encoding="utf-8"))


def ratio(above: list[float], below: list[float]) -> float:
    """Median over rounds."""
    return median(ours / theirs for ours, theirs in zip(above, below, strict=True))


def test_how_gam_grows_on_a_gpu() -> None:
    claims = load_params(HOUSE / "params.yaml").claims
    lowest = claims.linear_ratio[0]
    points = [p for p in measured(f"results/scaling/gam/{H100}.json")["points"] if p["length"] >= claims.shortest]
    time, told = (
        [ratio(longer[clock], shorter[clock]) for shorter, longer in pairwise(points)]
        for clock in ("milliseconds", "queued_milliseconds")
    )
    memory = [longer["peak_mib"] / shorter["peak_mib"] for shorter, longer in pairwise(points)]
    text = words("statistics.md")
    assert f"GAM's time grows by x{time[0]:.2f} from 1,024 to 2,048 tokens" in text
    *three, last = told
    assert f"three of the four doublings cost x{min(three):.2f} to x{max(three):.2f}, which lies below" in text
    assert f"and the last x{last:.2f}, within it" in text
    assert max(three) < lowest < last
    assert f"Memory lies below the range at one doubling, with x{min(memory):.2f}" in text
    assert sum(factor < lowest for factor in memory) == 1
    assert max(*time, *told, *memory) < 2, "no cost grows by more than twice"


def test_what_the_fused_mix_gains_on_a_gpu() -> None:
    kept = measured("benchmarks/gpu.json")
    block = kept["block"]["block"]["seconds"]
    step = {each["model"]: median(each["seconds"]["ours"]) for each in kept["steps"]["steps"]}
    of_block = 1 - ratio(block["fused and compiled"], block["compiled"])
    of_step = 1 - step["gam-fused-mix"] / step["gam"]
    text = words("performance.md")
    assert f"it gains {100 * of_block:.0f} % of a block and {100 * of_step:.0f} % of a step" in text
    assert "a quarter of the time of a block" in text
    assert 1 - ratio(block["fused"], block["ours"]) == pytest.approx(1 / 4, abs=0.02)


def test_what_is_no_product_and_what_a_long_block_keeps() -> None:
    kept = measured("benchmarks/results.json")
    (step,) = (each for each in kept["steps"] if (each["model"], each["precision"]) == ("gam", "float32"))
    text = words("performance.md")
    assert "What is no product takes about a sixth of the step" in text
    products = step["operations"]["products"]
    assert 1 - products / sum(step["operations"].values()) == pytest.approx(1 / 6, abs=0.02)
    peak = kept["block"]["peak_mib"]
    assert f"keeps {peak['ours'] / peak['plain']:.2f} of what the published one keeps" in text
