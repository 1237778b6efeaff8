"""cluster.yaml: the one that is there is valid, and mistakes are named."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.base.errors import UserError
from pipeline.base.paths import HOUSE
from pipeline.params.cluster import load_cluster
from pipeline.params.reading import read_yaml


def test_the_one_that_is_there() -> None:
    assert load_cluster(HOUSE / "cluster.yaml").minutes == 240


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("minutes", 1, "minutes: input should be greater than or equal to 5, got 1"),
        ("gpus", -1, "gpus: input should be greater than or equal to 0, got -1"),
        ("cpus", "8", "cpus: input should be a valid integer, got '8'"),
        ("setup", "module load cuda", "setup: input should be a valid list, got 'module load cuda'"),
        ("memory", 32, "memory is not a known key; remove it or correct its name"),
    ],
)
def test_mistakes(tmp_path: Path, key: str, value: object, said: str) -> None:
    file = tmp_path / "cluster.yaml"
    YAML().dump(read_yaml(HOUSE / "cluster.yaml") | {key: value}, file)
    with pytest.raises(UserError) as error:
        load_cluster(file)
    assert str(error.value) == f"{file}: {said}"


def test_a_field_that_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("{partition: null, account: null, cpus: 1, gpus: 0, memory_gb: 1, setup: [], python: null}")
    with pytest.raises(UserError, match="minutes is missing; every field is spelled out, add it"):
        load_cluster(file)
