"""The typed view of cluster.yaml: what a job asks of Slurm. No stage reads it, and no result depends on it."""

from pathlib import Path

from pydantic import Field, ValidationError

from pipeline.base import paths
from pipeline.base.errors import UserError
from pipeline.params.fields import INT64, NonNegativeInt, PositiveInt, Section
from pipeline.params.reading import first_mistake, read_yaml

SIGNAL_SECONDS = 90
"""Before a job's time is up Slurm says so: a training saves itself within a minute."""


class Cluster(Section):
    """One set of wishes for all stages that run on nodes."""

    partition: str | None
    """None: the cluster's default."""
    account: str | None
    """None: the user's default."""
    minutes: int = Field(ge=5, lt=INT64)
    """Time limit of a job. The first seconds go by with loading torch, the last SIGNAL_SECONDS with saving."""
    cpus: PositiveInt
    gpus: NonNegativeInt
    memory_gb: PositiveInt
    """GiB of main memory."""
    setup: list[str]
    """Lines of shell before each job."""
    python: str | None
    """The words that are Python on a node; None: the launcher's own."""


def load_cluster(path: Path = paths.CLUSTER) -> Cluster:
    """Read and validate cluster.yaml. Raises UserError naming the first field that is wrong."""
    values = read_yaml(path)
    try:
        return Cluster.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{path}: {first_mistake(error, values)}") from None
