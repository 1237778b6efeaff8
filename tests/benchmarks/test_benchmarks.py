"""The pages against the results that they show, what is compared, and the rule by which bars hold."""

import dataclasses
import json
from contextlib import nullcontext
from typing import Any

import pytest
import torch

from benchmarks import cluster_page, jobs, modes, stages
from benchmarks.bars import Bar, Measured
from benchmarks.gpu_page import gpu_report
from benchmarks.paper_grid import OUTSIDE, paper_grid
from benchmarks.plain import plain_definitions
from benchmarks.report import report
from pipeline.base.paths import HOUSE
from pipeline.params.schema import load_params
from pipeline.report.published import load_published
from pipeline.training.protocol import seeded_model


def test_the_page_shows_the_results() -> None:
    results = json.loads((HOUSE / "benchmarks/results.json").read_text(encoding="utf-8"))
    page = (HOUSE / "docs/performance.md").read_text(encoding="utf-8")
    assert f"<!-- measured -->\n{report(results)}<!-- end -->\n" in page
    on_gpu = json.loads((HOUSE / "benchmarks/gpu.json").read_text(encoding="utf-8"))
    assert f"<!-- measured on a GPU -->\n{gpu_report(on_gpu)}<!-- end of it -->\n" in page


def test_the_page_of_larger_machines_shows_what_was_measured() -> None:
    page = (HOUSE / "docs/scaling-out.md").read_text(encoding="utf-8")
    shown = cluster_page.sections(json.loads(cluster_page.KEPT.read_text(encoding="utf-8")))
    for name, text in shown.items():
        assert f"<!-- {name} -->\n{text}<!-- end of {name} -->\n" in page, "python -m benchmarks.cluster_page"


def test_the_papers_grid_is_reckoned_from_what_was_run() -> None:
    params, published = load_params(HOUSE / "params.yaml"), load_published()
    grid = paper_grid(params, published, cluster_page.GPU)
    seconds = {job.name: job.seconds - OUTSIDE for job in grid.jobs if job.name.startswith("train")}
    assert len(seconds) == 75
    run = json.loads((HOUSE / "results/clocks/wikitext-2-v1/gam/seed-0.json").read_text(encoding="utf-8"))
    clocked = sum(epoch["train_seconds"] + epoch["validation_seconds"] for epoch in run["epochs"])
    assert seconds["train@wikitext-2-v1/gam/0"] == pytest.approx(clocked, rel=0.05)
    times = seconds["train@tinystories/gam/0"] / seconds["train@wikitext-2-v1/gam/0"]
    assert f"TinyStories has {times:.1f} times as many" in (HOUSE / "docs/scaling-out.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["gam", "transformer-fused", "mamba"])
def test_the_published_algorithm_computes_the_same(name: str) -> None:
    """What we are compared with has our loss and gradients, without dropout."""
    config = load_params().models[name].config(29)
    config = dataclasses.replace(config, d_model=16, n_layer=2, block_size=12, dropout=0.0)
    model = seeded_model(config, 0, torch.device("cpu"))
    batch = torch.randint(29, (3, 13), generator=torch.Generator().manual_seed(0))
    computed = []
    for way in (plain_definitions(), nullcontext()):
        model.zero_grad()
        with way:
            loss = model.loss(batch[:, :-1], batch[:, 1:])
            loss.backward()
        computed.append((loss.detach(), *(parameter.grad for parameter in model.parameters())))
    for plain, ours in zip(*computed, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("measured", "least", "most"),
    [(None, None, None), ((2.0, 0.5, 3.0), True, True), ((1.9, 1.9, 3.0), False, True), ((2.1, 1.0, 2.2), True, False)],
)
def test_a_bar_holds_by_its_median(measured: Measured | None, least: bool | None, most: bool | None) -> None:
    assert Bar("", "least", 2, "s", measured).holds is least
    assert Bar("", "most", 2, "s", measured).holds is most
    assert ("not seen" in Bar("", "most", 2, "s", measured).row()) == (measured is None)


@pytest.mark.parametrize("settings", [jobs.settings(1), modes.settings({"compile": True})])
def test_what_is_trained_fits_params(settings: dict[str, Any]) -> None:
    with stages.scratch_copy(**settings) as house:
        params = load_params(house / "params.yaml")
    assert [*params.datasets] == ["stories"]
    assert [*params.runs()] == [("stories", "gam")]


def test_the_tables_are_timed_with_every_run_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses tables that lack one."""
    monkeypatch.setattr(stages, "ROUNDS", 1)
    assert len(stages.time_tables()) == 1
