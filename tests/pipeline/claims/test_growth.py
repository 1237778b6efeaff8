"""By what costs grow when the length doubles, and what is made of it."""

import pytest

from pipeline.artifacts.cost_records import ScalingResult
from pipeline.artifacts.devices import read_devices
from pipeline.claims.growth import asked_lengths, exponent, growth, judge_growth, side
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.made_up_costs import scaling_point, write_scaling
from tests.pipeline.conftest import growing


def measured(model: str) -> ScalingResult:
    scaling = read_devices(load_params())[0].scalings.get(model)
    assert scaling is not None
    return scaling


def test_every_doubling_has_its_ratio_and_what_arithmetic_makes_of_it(grid: Workspace) -> None:
    growing(grid, "transformer", 1.5, 2048)
    params = load_params()
    assert asked_lengths(params.claims) == [1024, 2048, 4096, 8192, 16384]
    times, memory = (growth(measured("transformer"), cost, params) for cost in ("time", "memory"))
    assert [each.length for each in times.doublings] == [1024, 2048, 4096, 8192]
    assert times.ratios == pytest.approx([2**1.5] * 4)
    assert memory.ratios == pytest.approx([2**1.5] * 4)
    assert times.predicted[0] == pytest.approx(2 * (6 * 16 + 2048) / (6 * 16 + 1024))  # d = 16: equal at 6 d tokens
    assert all(each.ratio.low == each.ratio.high for each in memory.doublings)


def test_a_length_that_did_not_fit_ends_the_doublings(grid: Workspace) -> None:
    grid.edit({"scaling": {"cpu": {"lengths": [512, 1024, 2048, 4096]}}})
    points = [scaling_point(length, 1.0 * length, None if length > 2048 else 2.0 * length) for length in (512, 1024)]
    points += [scaling_point(2048, 2048.0, 4096.0), scaling_point(4096, None, 8192.0)]
    write_scaling("gam", points)
    params = load_params()
    assert [each.length for each in growth(measured("gam"), "time", params).doublings] == [1024]
    assert [each.length for each in growth(measured("gam"), "memory", params).doublings] == [1024, 2048]


def test_ratios_are_those_of_one_round(grid: Workspace) -> None:
    """Every other round is half as slow again, at all lengths: within a round nothing varies."""
    growing(grid, "gam", 1.0, 8192, noise=0.5)
    for each in growth(measured("gam"), "time", load_params()).doublings:
        assert (each.ratio.mean, each.ratio.low, each.ratio.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([2.0, 2.0, 2.0, 2.0, 2.0], "reproduced"),
        ([1.88, 1.92, 2.0, 2.08, 2.13], "reproduced"),
        ([2.0, 2.0, 2.0, 2.0, 2.3], "inconclusive"),
        ([1.7, 2.3, 1.7, 2.3, 2.0], "inconclusive"),
        ([2.5, 2.6, 2.4, 2.5, 2.5], "contradicted"),
    ],
)
def test_verdicts(grid: Workspace, ratios: list[float], verdict: str) -> None:
    """Rounds whose ratios at the first doubling are these, and 2 at the others."""
    growing(grid, "gam", 1.0, 8192)
    scaling, params = measured("gam"), load_params()
    first, *others = scaling.points
    longer = [
        point.model_copy(update={"milliseconds": [t * r for t, r in zip(point.milliseconds, ratios, strict=True)]})
        for point in others
    ]
    varied = scaling.model_copy(update={"points": [first.model_copy(update={"milliseconds": [2.0] * 5}), *longer]})
    assert judge_growth(varied, "time", params, params.claims.linear_ratio, parts=8) == verdict


@pytest.mark.parametrize(("power", "told"), [(0.5, "grows by less"), (1.0, ""), (1.5, "grows by more")])
def test_it_is_told_on_which_side(grid: Workspace, power: float, told: str) -> None:
    growing(grid, "gam", power, 8192)
    params = load_params()
    assert side(growth(measured("gam"), "time", params), params.claims.linear_ratio) == told


def test_an_exponent_needs_five_lengths(grid: Workspace) -> None:
    growing(grid, "gam", 1.1, 8192)
    params = load_params()
    slope = exponent(measured("gam"), "time", params)
    assert slope is not None
    assert slope.mean == pytest.approx(1.1)
    four = measured("gam").model_copy(update={"points": measured("gam").points[1:]})
    assert exponent(four, "time", params) is None
