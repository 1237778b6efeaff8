"""The small models made anew: what is run for which claim, how long it is said to take, and what is refused."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.claims.answers import answers
from pipeline.commands import reproduce
from pipeline.commands.beside import read_account
from pipeline.commands.launching import only
from pipeline.commands.quickstart import OVERLAYS, fill, prepare
from pipeline.commands.recording import graph_of_stages
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params, load_params
from tests.conftest import Workspace
from tests.made_up import run_fields, write_metrics, write_ngrams, write_run, write_tuning

TEXT = "wikitext-2-v1-small"


@pytest.fixture
def small(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A folder with the small family alone, and one seed of it; it stands for this repository."""
    workspace.write(reproduce.only_the_family(read_yaml(HOUSE / paths.PARAMS)))
    workspace.edit({"families": {"small": {"seeds": [0], "others": {"seeds": [0]}}}})
    monkeypatch.setattr(reproduce, "HOUSE", workspace.folder)
    monkeypatch.setattr(reproduce, "WORKSPACE", workspace.folder / "anew")
    return load_params()


def not_run(params: Params) -> set[str]:
    return {answer.claim for answer in answers(params) if answer.verdict == "not run"}


def test_a_claim_needs_the_models_that_it_is_judged_by(small: Params) -> None:
    """With them it has an answer, without any of them it has none."""
    write_ngrams(9.0, 8.0, TEXT)
    for model in small.families["small"].members():
        write_tuning(model, {0.1: 5.0, 0.2: 6.0}, TEXT)
        write_run(model, 0, [5.0], TEXT)
    gates = [{"function_words": 0.5, "content_words": 0.4}]
    write_metrics(run_fields("gam-small", 0, TEXT), gates=gates)
    curves = paths.curve(TEXT, "any", 0).parents[1]
    away = curves.rename("away")
    assert small.datasets[TEXT].claims == list(reproduce.NEEDED)
    for claim in reproduce.NEEDED:
        models = reproduce.needed(small, [claim])
        curves.mkdir()
        for model in models:
            (away / model).rename(curves / model)
        assert claim not in not_run(small)
        for model in models:
            (curves / model).rename(away / model)
            assert claim in not_run(small), model
            (away / model).rename(curves / model)
        for model in models:
            (curves / model).rename(away / model)
        curves.rmdir()


@pytest.mark.filterwarnings("ignore")  # reading its graph, DVC sets off warnings within packages of its own
def test_stages_of_a_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its models alone, from the text on, in a workspace made of this repository's params.yaml and dvc.yaml."""
    fill(tmp_path, reproduce.only_the_family(read_yaml(HOUSE / paths.PARAMS)), HOUSE / paths.PARAMS)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    params = load_params()
    assert params.runtime.device == "cpu"
    names = reproduce.stages(params, TEXT, reproduce.needed(params, ["C9"]))
    with graph_of_stages() as graph:
        found = {stage.addressing for stage in only(names, graph)}
    models = ("gam-small", "gam-global-only-small")
    of_runs = {
        f"{stage}@{TEXT}-{model}-{seed}"
        for stage in ("train_small", "evaluate_small")
        for model in models
        for seed in params.families["small"].seeds
    }
    of_models = {f"tune@{TEXT}-{model}" for model in models} | {f"fingerprint@{model}" for model in models}
    assert found == of_runs | of_models | {"check", *(f"{stage}@{TEXT}" for stage in ("fetch", "tokenise", "ngrams"))}


@pytest.mark.usefixtures("small")
def test_how_long_it_takes_is_said_by_the_recorded_clocks(workspace: Workspace) -> None:
    workspace.edit({"families": {"small": {"seeds": [0, 1, 2]}}})
    params = load_params()
    write_tuning("gam-small", dict.fromkeys((0.1, 0.2, 0.3, 0.4), 5.0), TEXT)
    for seed in (0, 1, 2):
        write_run("gam-small", seed, [5.0, 4.0], TEXT)  # two epochs: 10 + 1 + 20 + 1 seconds
    told = reproduce.forecast(params, TEXT, ["gam-small"], jobs=2)  # 4 trials in turn, then 3 seeds in two turns
    assert told.startswith("7 trainings of gam-small, 2 at a time: about 3 min by the clocks of the recorded runs.\n")
    told = reproduce.forecast(params, TEXT, ["gam-small", "transformer-small"], jobs=1)
    assert told.startswith("13 trainings of gam-small, transformer-small, 1 at a time: about 4 min ")
    assert "; transformer-small not counted, which nobody has timed." in told
    for path in (paths.clock(TEXT, "gam-small", 1), paths.tuning(TEXT, "gam-small")):
        (reproduce.WORKSPACE / path).parent.mkdir(parents=True, exist_ok=True)
        (reproduce.WORKSPACE / path).write_bytes(path.read_bytes())
    assert reproduce.forecast(params, TEXT, ["gam-small"], jobs=2).startswith("2 trainings ")
    for seed in (0, 2):
        path = paths.clock(TEXT, "gam-small", seed)
        (reproduce.WORKSPACE / path).write_bytes(path.read_bytes())
    assert reproduce.forecast(params, TEXT, ["gam-small"], jobs=2) == "All trainings are made."


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["C1"], "C1 is no claim that the small models answer: they answer C3, C7, C8, C9, C10, C11, C12; times"),
        (["C9", "gate"], "gate is no claim"),
        (["--quick", "C9"], "--quick makes all of the quickstart: leave out the names of claims"),
    ],
)
def test_what_is_refused(refusal: Callable[..., str], words: list[str], says: str) -> None:
    assert says in refusal(reproduce.main, *words)
    assert not reproduce.WORKSPACE.exists()


@pytest.mark.parametrize("comes_back", [True, False])
def test_only_what_is_asked_for_is_run(
    small: Params, monkeypatch: pytest.MonkeyPatch, workspace: Workspace, comes_back: bool
) -> None:
    """Stages are called in the workspace; the exit code says whether all is the same."""
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(reproduce, "run_stages", lambda folder, names, _: called.append((folder, *names)))
    monkeypatch.setattr(reproduce, "run", lambda command, folder: called.append((folder, *command)))
    monkeypatch.setattr(reproduce, "reported", lambda *arguments: called.append(arguments[4]) or comes_back)
    with pytest.raises(SystemExit) as stop:
        workspace.call(reproduce.main, "C11", "C9")
    assert stop.value.code == (not comes_back)
    runs = [f"evaluate_small@{TEXT}-{model}-0" for model in ("gam-small", "gam-global-only-small")]
    anew = reproduce.WORKSPACE
    assert called == [(anew, f"ngrams@{TEXT}", *runs), (anew, "pipeline.tables"), ["C9", "C11"]]
    assert load_params(anew / paths.PARAMS).runs().keys() == small.runs().keys()


def test_the_quickstart_in_its_place(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def made(overlay: str) -> Iterator[Path]:
        yield workspace.folder / overlay

    workspace.folder.joinpath("stories").mkdir()
    workspace.folder.joinpath("params.yaml").rename(workspace.folder / "stories" / "params.yaml")
    monkeypatch.setattr(reproduce, "made", made)
    monkeypatch.setattr(reproduce, "reported", lambda folder, *_: folder == workspace.folder / "stories")
    with pytest.raises(SystemExit) as stop:
        workspace.call(reproduce.main, "--quick")
    assert stop.value.code == 0


def test_what_the_quickstart_is_expected_to_say_is_of_its_present_parameters(tmp_path: Path) -> None:
    """`make expected` records it anew."""
    prepare(tmp_path, OVERLAYS / "stories.yaml")
    params = load_params(tmp_path / paths.PARAMS)
    recorded = read_account(reproduce.RECORDED, params, "stories", "paper")
    assert recorded.claims.keys() == set(params.datasets["stories"].claims)
    assert recorded.curves.keys() == {(*run, seed) for run, seeds in params.runs().items() for seed in seeds}
    for curve in recorded.curves.values():
        now = params.datasets["stories"].what(), params.models[curve.model].as_written(), params.train.model_dump()
        assert (curve.data, curve.entry, curve.train) == now


def test_no_more_trainings_at_a_time_than_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "cores", lambda: 10_000)
    assert 1 <= reproduce.at_a_time() < 10_000
    monkeypatch.setattr(reproduce, "cores", lambda: 1)
    assert reproduce.at_a_time() == 1
