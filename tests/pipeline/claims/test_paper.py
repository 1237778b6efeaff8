"""The paper's claims from made-up results: what each is judged by, and what it needs."""

import json

import pytest

from pipeline.artifacts.devices import device_key, read_devices
from pipeline.base import paths
from pipeline.claims.answers import answers
from pipeline.claims.growth import Growth
from pipeline.claims.intervals import Estimate
from pipeline.claims.measurements import Measurement, Reach
from pipeline.claims.paper import ON_DEVICES, ON_TEXTS
from pipeline.params.schema import load_params
from pipeline.report.figures.growth import growth_figures
from pipeline.report.published import load_published
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import STAMP
from tests.made_up_costs import write_scaling, write_timing
from tests.pipeline.conftest import SEEDS, growing, verdicts, write_losses


def test_every_claim_of_the_paper_is_judged() -> None:
    judged = ON_DEVICES.keys() | ON_TEXTS.keys()
    assert judged == load_published().claims.keys() == {f"C{number}" for number in range(1, 13)}


def measured(claim: str) -> dict[str, Measurement]:
    """By what and at, on the text of the tests."""
    (answer,) = [each for each in answers(load_params()) if each.claim == claim]
    return {" ".join(filter(None, (each.what, each.at))): each for each in answer.measurements}


def test_nothing_run(grid: Workspace) -> None:
    for dataset in ("devices", "stories"):
        assert set(verdicts(grid, dataset).values()) == {"not run"}


EVERYTHING = {
    "gam": 5.0,
    "transformer": 5.1,
    "mamba": 5.2,
    "gam_global_only": 5.04,
    "gam_sum_fusion": 5.1,
    "gam_local_only": 5.2,
}
ON_LOSSES = ("C3", "C7", "C8", "C9", "C10", "C12")


def test_the_paper_is_right(grid: Workspace) -> None:
    write_losses(**EVERYTHING)
    found = verdicts(grid)
    assert {found[name] for name in ON_LOSSES if name != "C8"} == {"reproduced"}
    assert found["C8"] == "contradicted"  # Global Only is not within the margin, and GAM sees 5 tokens
    difference = measured("C3")["Transformer − GAM"]
    assert isinstance(difference.value, Estimate)
    assert difference.value.mean == pytest.approx(0.1002)
    assert (difference.unit, difference.n, difference.counted, difference.won) == ("nats", 5, "seeds", 1.0)
    assert measured("C8")["how far GAM sees"].value == Reach(fewest=5, most=5, convolutions=5)


def test_the_paper_is_wrong(grid: Workspace) -> None:
    write_losses(gam=5.2, transformer=5.1, mamba=5.0, gam_global_only=5.1, gam_sum_fusion=5.1, gam_local_only=5.0)
    found = verdicts(grid)
    assert {found[name] for name in ON_LOSSES} == {"contradicted"}


def test_it_makes_no_difference(grid: Workspace) -> None:
    same = ("gam", "transformer", "mamba", "gam_global_only", "gam_sum_fusion", "gam_local_only")
    write_losses(**dict.fromkeys(same, 5.0))
    found = verdicts(grid)
    assert {found[name] for name in ON_LOSSES if name != "C8"} == {"no effect"}
    assert measured("C8")["Global Only − GAM (no difference)"].verdict == "reproduced"


@pytest.mark.usefixtures("grid")
def test_the_claims_are_measured_by_what_they_compare() -> None:
    write_losses(**EVERYTHING)
    assert list(measured("C3")) == ["Transformer − GAM", "Mamba − Transformer"]
    assert list(measured("C7")) == ["Sum Fusion − GAM"]
    assert list(measured("C10")) == [f"Local Only − {name}" for name in ("GAM", "Sum Fusion", "Global Only")]
    found = measured("C12")
    assert list(found) == [f"{other} − GAM epoch {epoch}" for other in ("Transformer", "Mamba") for epoch in (1, 2)]
    for each in found.values():
        assert each.verdict == "reproduced"
        assert isinstance(each.value, Estimate)
        assert each.value.half_width is not None
    assert [each.answered_by for each in found.values()] == ["", "C3", "", ""]
    assert [each.answered_by for each in measured("C8").values()] == ["", "C9", ""]
    assert [each.answered_by for each in measured("C10").values()] == ["", "", "C8"]


@pytest.mark.parametrize("seeds", [1, 2, 3, 4])
def test_few_seeds_are_inconclusive(grid: Workspace, seeds: int) -> None:
    grid.edit({"families": {"paper": {"seeds": SEEDS[:seeds], "others": {"seeds": SEEDS[:seeds]}}}})
    write_losses(**EVERYTHING)
    found = verdicts(grid)
    assert {found[name] for name in ON_LOSSES if name != "C8"} == {"inconclusive"}
    value = measured("C7")["Sum Fusion − GAM"].value
    assert isinstance(value, Estimate)
    assert (value.n, value.low is None) == (seeds, seeds < 3)


def test_no_verdict_before_all_seeds_ran(grid: Workspace) -> None:
    """However clear the first five pairs are: whoever could stop there could choose when."""
    write_losses(**EVERYTHING)
    grid.edit({"families": {"paper": {"seeds": [*SEEDS, 7], "others": {"seeds": [*SEEDS, 7]}}}})
    found = verdicts(grid)
    assert {found[name] for name in (*ON_LOSSES, "C11")} == {"not run"}
    value = measured("C3")["Transformer − GAM"].value
    assert isinstance(value, Estimate)
    assert value.n == 5
    assert "**" not in (paths.PAPER_TABLES / "main.md").read_text()


@pytest.mark.parametrize(("gam", "verdict"), [(0.9, "reproduced"), (0.99, "no effect"), (1.2, "contradicted")])
def test_speed(grid: Workspace, gam: float, verdict: str) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=gam)
    found = verdicts(grid, "devices")
    assert found["C2"] == verdict
    rival = measured("C2")["vs Transformer"]
    assert isinstance(rival.value, Estimate)
    assert rival.value.mean == pytest.approx(1 - gam)
    assert (rival.unit, rival.n, rival.counted) == ("share of time", 5, "measurements")


def test_measurements_that_differ_decide_nothing(grid: Workspace) -> None:
    """GAM saves 10 %, more or less: 25 % of its time, from one measurement to the next."""
    write_timing(transformer=1.0, mamba=1.1, gam=0.9, noise=0.25)
    assert verdicts(grid, "devices")["C2"] == "inconclusive"
    write_timing(transformer=1.0, mamba=1.1, gam=0.9, noise=0.02)
    assert verdicts(grid, "devices")["C2"] == "reproduced"
    grid.edit({"timing": {"measurements": 1}})
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    assert verdicts(grid, "devices")["C2"] == "inconclusive"


def test_no_verdict_rests_on_a_slow_opponent(grid: Workspace) -> None:
    write_timing(**{"transformer": 1.0, "transformer-fused": 0.9, "mamba": 1.1, "gam": 0.9})
    found = verdicts(grid, "devices")
    assert found["C1"] == found["C2"] != "reproduced"


def test_a_mamba_without_its_kernels_is_timed_and_not_judged(grid: Workspace) -> None:
    seconds = {"transformer": 1.0, "mamba": 0.5, "gam": 0.9}
    write_timing(**seconds)
    assert verdicts(grid, "devices")["C1"] == "reproduced"
    rival = measured("C1")["vs Mamba"]
    assert isinstance(rival.value, Estimate)
    assert rival.value.mean == pytest.approx(-0.8)
    assert (rival.verdict, rival.remark) == ("not judged", "without its fast GPU code")
    write_timing(STAMP.model_copy(update={"mamba_kernels": True}), **seconds)
    assert verdicts(grid, "devices")["C1"] == "contradicted"


def test_times_of_other_models_do_not_count(grid: Workspace) -> None:
    write_timing(transformer=1.0, mamba=1.1, gam=0.9)
    assert verdicts(grid, "devices")["C1"] == "reproduced"
    grid.edit({"models": {"mamba": {"d_state": 5}}})
    assert verdicts(grid, "devices")["C1"] == "not run"


@pytest.mark.parametrize(
    ("gam_power", "power", "longest", "c5", "c6"),
    [
        (1.0, 2.0, 2048, "reproduced", "reproduced"),
        (1.0, 1.5, 2048, "reproduced", "contradicted"),
        (1.3, 2.0, 4096, "contradicted", "contradicted"),
        (1.0, 2.0, 1024, "reproduced", "contradicted"),
    ],
)
def test_growth(grid: Workspace, gam_power: float, power: float, longest: int, c5: str, c6: str) -> None:
    growing(grid, "gam", gam_power, 8192)
    growing(grid, "transformer", power, longest)
    found = verdicts(grid, "devices")
    assert (found["C5"], found["C6"]) == (c5, c6)


def test_growth_that_was_measured_in_part(grid: Workspace) -> None:
    """GAM needs every doubling up to the longest length, the Transformer one; and a machine may be too small to try."""
    growing(grid, "gam", 1.0, 8192)
    growing(grid, "transformer", 2.0, 2048)
    for model in ("gam", "transformer"):
        scaling = read_devices(load_params())[0].scalings.get(model)
        assert scaling is not None
        points = [point.model_copy(update={"fits_cap": None}) for point in scaling.points]
        short = {"milliseconds": [], "peak_mib": None}
        points[2:] = [point.model_copy(update=short) for point in points[2:]]
        write_scaling(model, points)
    found = {name: each.verdict for claim in ("C5", "C6") for name, each in measured(claim).items()}
    assert found["time per doubling"] == found["memory per doubling"] == "reproduced"  # of C6
    assert {each.verdict for each in measured("C5").values()} == {"not run"}
    assert found["tokens that fit in 14.6 GiB"] == "not run"


def test_a_gpu_that_is_told_all_work_beforehand_is_shown_beside_the_claim(grid: Workspace) -> None:
    """The claim is judged by the time that the paper measured."""
    growing(grid, "gam", 0.5, 16384)
    scaling = read_devices(load_params())[0].scalings["gam"]
    queued = [
        point.model_copy(update={"queued_milliseconds": [float(point.length)] * len(point.milliseconds)})
        for point in scaling.points
    ]
    write_scaling("gam", queued)
    found = measured("C5")
    beside = found["time per doubling, all work told before the GPU begins"]
    assert not beside.is_part
    assert (beside.verdict, found["time per doubling"].verdict) == ("reproduced", "contradicted")
    assert isinstance(beside.value, Growth)
    assert set(beside.value.ratios) == {2.0}
    (answer,) = (each for each in answers(load_params()) if each.claim == "C5")
    assert answer.verdict == "contradicted"
    assert answer.beside == [beside]


def test_two_cpus_of_one_name_are_two(grid: Workspace) -> None:
    """They differ in their instructions, and neither hides the other; each has a file and figures of its own."""
    stamps = [
        STAMP.model_copy(update={"device": STAMP.device, "instructions": each}) for each in ("AVX2", "AVX2 AVX512")
    ]
    for stamp, time in zip(stamps, (1.0, 1.5), strict=True):
        growing(grid, "gam", time, 8192, stamp)
    grid.call(tables)
    found = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]["devices"]
    assert {name.rpartition(" ")[2]: of["C5"]["verdict"] for name, of in found.items()} == {
        "AVX2": "reproduced",
        "AVX512": "contradicted",
    }
    names = growth_figures(load_params(), load_published()).keys()
    assert names == {"growth", f"growth_{device_key(stamps[1].device, stamps[1].instructions)}"}


def test_two_devices_do_not_compare(grid: Workspace) -> None:
    growing(grid, "gam", 1.0, 8192)
    growing(grid, "transformer", 2.0, 2048, STAMP.model_copy(update={"device": "another"}))
    grid.call(tables)
    found = json.loads((paths.PAPER_TABLES / "summary.json").read_text())["claims"]["devices"]
    verdicts_of = {device: (of["C5"]["verdict"], of["C6"]["verdict"]) for device, of in found.items()}
    assert verdicts_of == {STAMP.device: ("reproduced", "not run"), "another": ("not run", "not run")}
