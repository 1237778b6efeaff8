"""Which results count: those that params.yaml names, made with the present parameters, on the same tokens."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts.current import LEFT_OUT, left_out_notes, read_inside
from pipeline.artifacts.devices import device_key
from pipeline.artifacts.records import Curve, Diverged
from pipeline.artifacts.storage import read_result, write_result
from pipeline.base import paths
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from pipeline.tables import main as tables
from tests.conftest import Workspace
from tests.made_up import STAMP, run_fields, write_inside, write_metrics, write_ngrams, write_run
from tests.made_up_costs import scaling_point, write_scaling, write_timing
from tests.pipeline.conftest import cells, written


def test_results_of_another_run_or_other_parameters(workspace: Workspace, refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    workspace.edit({"train": {"epochs": 3}})
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]
    note = f"{LEFT_OUT}: stories gam seed 0."
    assert note in (paths.PAPER_TABLES / "main.md").read_text()
    paths.curve("stories", "transformer", 0).parent.mkdir()
    shutil.copy(paths.curve("stories", "gam", 0), paths.curve("stories", "transformer", 0))
    assert "says that it is of stories gam seed 0" in refusal(tables)


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({"datasets": {"stories": {"rows": {"test": 21}}}}, "stories gam seed 0, 1; n-grams of stories"),
        ({"models": {"gam": {"n_slot": 8}}}, "stories gam seed 0, 1; timing on DEVICE; scaling of gam on DEVICE"),
        ({"train": {"clip_norm": 2.0}}, "stories gam seed 0, 1"),
        ({"train": {"batch_size": 8}}, "stories gam seed 0, 1; n-grams of stories; timing on DEVICE"),
        ({"timing": {"vocab_size": 60}}, "timing on DEVICE"),
        ({"scaling": {"cap": {"gib": 1.0}}}, "scaling of gam on DEVICE"),
        ({"scaling": {"cpu": {"batch_size": 3}}}, "scaling of gam on DEVICE"),
    ],
)
def test_made_with_other_parameters(workspace: Workspace, change: dict[str, Any], left_out: str) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1]}}})
    for seed in (0, 1):
        write_run("gam", seed, [4.5, 5.0])
    write_ngrams(6.0, 5.0)
    write_timing(transformer=1.0, mamba=1.0, gam=1.0)
    write_scaling("gam", [scaling_point(length, 1.0, 3.0) for length in (256, 512)])
    workspace.call(tables)
    assert "Left out" not in (paths.PAPER_TABLES / "main.md").read_text()
    workspace.edit(change)
    workspace.call(tables)
    note = f"{LEFT_OUT}: {left_out}.".replace("DEVICE", device_key(STAMP.device, STAMP.instructions))
    for file in paths.PAPER_TABLES.glob("*.md"):
        assert (note in file.read_text()) != (file.stem in ("recall", "facts")), "those have notes of their own"
    assert ("seed 0, 1" in left_out) == (cells("main", "stories", "GAM (Full)")[-1] == "0")
    assert ("n-grams" in left_out) == (cells("main", "stories", "Bigram count")[-2] == "not run")
    summary = json.loads((paths.PAPER_TABLES / "summary.json").read_text())
    assert ("scaling" in left_out) == (summary["scaling"] == {})


def test_a_run_that_diverged_is_named_and_counts_as_missing(workspace: Workspace) -> None:
    workspace.edit({"families": {"paper": {"seeds": [0, 1]}}})
    for model in ("gam", "transformer"):
        for seed in (0, 1):
            write_run(model, seed, [4.5, 5.0])
    curve = read_result(paths.curve("stories", "transformer", 1), Curve)
    assert curve is not None
    paths.curve("stories", "transformer", 1).unlink()
    same = ("dataset", "model", "seed", "data", "entry", "train", "fingerprint", "provenance")
    ended = Diverged(**{field: getattr(curve, field) for field in same}, step=1007, epoch=2)
    write_result(paths.diverged("stories", "transformer", 1), ended)
    workspace.call(tables)
    main, claims = ((paths.PAPER_TABLES / f"{name}.md").read_text() for name in ("main", "claims"))
    assert "the training ended: stories transformer seed 1 in step 1,007." in main
    assert "not run: Transformer's loss was not finite with seed 1" in claims
    workspace.edit({"train": {"clip_norm": 2.0}})
    workspace.call(tables)
    assert "the training ended" not in (paths.PAPER_TABLES / "main.md").read_text()


def test_metrics_of_other_weights(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    write_metrics(run_fields("gam", 0) | {"weights": "f" * 64})
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]
    assert "the metrics of stories gam seed 0." in (paths.PAPER_TABLES / "main.md").read_text()


def test_inside_of_other_weights(workspace: Workspace) -> None:
    """Left out, and said so; with the run itself it goes without a word of its own."""
    write_run("gam", 0, [4.5, 5.0])
    write_inside("gam", 0)
    params = load_params()
    assert [found.seed for found in read_inside(params, "stories", "gam")] == [0]
    assert left_out_notes(params) == []
    write_inside("gam", 0, weights="f" * 64)
    assert read_inside(params, "stories", "gam") == []
    assert left_out_notes(params) == [f"{LEFT_OUT}: the inside of stories gam seed 0."]
    workspace.edit({"train": {"clip_norm": 2.0}})
    assert left_out_notes(load_params()) == [f"{LEFT_OUT}: stories gam seed 0."]


def test_runs_on_different_tokens(refusal: Callable[..., str]) -> None:
    write_run("gam", 0, [4.5, 5.0])
    write_run("transformer", 0, [4.5, 5.0], stamp=STAMP.model_copy(update={"data": {"train": "2" * 64}}))
    assert "come from different tokens" in refusal(tables)


def test_counts_of_another_data_set(workspace: Workspace, refusal: Callable[..., str]) -> None:
    workspace.edit({"datasets": {"other": read_yaml(Path("params.yaml"))["datasets"]["stories"]}})
    write_ngrams(6.0, 5.0, dataset="other")
    shutil.move(paths.ngrams("other"), paths.ngrams("stories"))
    assert "results/ngrams/stories.json says that it is of other" in refusal(tables)


def test_what_the_grid_does_not_name_is_left_out(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    workspace.call(tables)
    before = written()
    write_run("gam", 7, [8.5, 9.0])
    write_run("gam", 0, [8.5, 9.0], dataset="other")
    workspace.call(tables)
    assert written() == before


def test_incomplete_runs_do_not_count(workspace: Workspace) -> None:
    write_run("gam", 0, [4.5, 5.0])
    paths.metrics("stories", "gam", 0).unlink()
    workspace.call(tables)
    assert cells("main", "stories", "GAM (Full)")[-2:] == ["not run", "0"]
