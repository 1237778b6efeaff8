"""Damaged params.yaml files: the stage check accepts one whose numbers can be used, or names a mistake in one line."""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from dvc.parsing import MatrixDefinition
from dvc.parsing.context import Context
from dvc.utils.serialize import load_yaml
from hypothesis import HealthCheck, Phase, configuration, given, settings
from hypothesis import strategies as st

from pipeline.base import paths
from pipeline.base.paths import HOUSE
from pipeline.check import main as check
from pipeline.params.reading import read_yaml
from pipeline.params.schema import load_params
from tests.conftest import Workspace
from tests.pipeline.damaged_params import rearranged, scribbled

EXAMPLES = 100
"""Of each of the two tests."""
LONGEST = 600
"""Characters of a message: a few lines of a terminal. What a message quotes from the file is cut, so that no file makes
it longer."""
GRAPH = read_yaml(HOUSE / "dvc.yaml")["stages"]


# What must hold.


def assert_usable() -> None:
    """What the stages and DVC do with params.yaml works."""
    params, values = load_params(), read_yaml(paths.PARAMS)
    assert params == load_params()
    # Alone on its line: pytest would print what aliases make huge.
    as_it_stands = params.model_dump(exclude_unset=True) == values
    assert as_it_stands, "something was converted, or passed over"
    assert load_yaml(paths.PARAMS) == values
    json.dumps(params.model_dump(), allow_nan=False)
    for entry in params.models.values():
        for vocab_size in (params.timing.vocab_size, *(dataset.vocab_size for dataset in params.datasets.values())):
            assert entry.config(vocab_size).vocab_size == vocab_size
    for name, stage in GRAPH.items():
        if "matrix" in stage:
            matrix = MatrixDefinition(SimpleNamespace(relpath="dvc.yaml"), Context(values), name, stage)
            runs = math.prod(len(choices) for choices in matrix.resolved_iterable.values())
            assert len(matrix.normalized_iterable) == runs


@pytest.fixture
def outcome(workspace: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[[bytes], str]:
    """Call the stage check on a file; returns whether it is accepted or refused."""
    configuration.set_hypothesis_home_dir(tmp_path / "hypothesis")  # what it caches does not belong into the repository

    paths.GRAPH.write_bytes((HOUSE / paths.GRAPH).read_bytes())

    def judge(content: bytes) -> str:
        paths.PARAMS.write_bytes(content)
        paths.PARAMS_ARE_VALID.unlink(missing_ok=True)
        capsys.readouterr()
        code = None
        try:
            workspace.call(check)
        except SystemExit as stop:
            code = stop.code
        printed, message = capsys.readouterr()
        assert printed == ""
        assert paths.PARAMS_ARE_VALID.exists() == (code is None)
        if code is None:
            assert message == ""
            assert_usable()
            return "accepted"
        assert code == 2
        assert message.startswith("error: params.yaml")
        assert message.endswith("\n")
        assert message[:-1].isprintable(), "more than one line, or control characters"
        assert len(message) <= LONGEST
        return "refused"

    return judge


@pytest.mark.parametrize("files", [rearranged(), scribbled()], ids=["rearranged", "scribbled"])
def test_a_damaged_file_is_used_or_refused(outcome: Callable[[bytes], str], files: st.SearchStrategy[bytes]) -> None:
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(files)
    def each(content: bytes) -> None:
        outcomes[outcome(content)] += 1

    each()
    assert outcomes.total() >= EXAMPLES
    assert min(outcomes["accepted"], outcomes["refused"]) >= EXAMPLES // 20, (
        "the changes are all harmless, or all fatal"
    )
