"""What DVC knows of the stages: which are to run, and, when one has ended well, what it read and wrote.

The same steps as those of `dvc repro`, which runs one stage after another; here others run meanwhile.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.rwlock import rwlock

from pipeline.base.errors import UserError

Stage = Any
"""DVC has no types."""


class ChangedMeanwhileError(Exception):
    """What a stage reads is not what it was when it began."""


@contextmanager
def graph_of_stages() -> Iterator[dict[Stage, set[Stage]]]:
    """The stages of dvc.yaml, in its order, and which others each needs. Raises UserError where DVC refuses it."""
    logging.getLogger("dvc").setLevel(logging.WARNING)  # it tells of every writing of dvc.lock
    try:
        with Repo(_wait_for_lock=True) as repo:
            graph = repo.index.graph
            yield {stage: set(graph.successors(stage)) for stage in repo.index.stages}
    except DvcException as error:
        raise UserError(f"dvc.yaml: {error}") from error


def is_out_of_date(stage: Stage) -> bool:
    """Whether anything of it is not as DVC recorded it."""
    with stage.repo.lock:
        return bool(stage.changed())


def reserved(stage: Stage) -> AbstractContextManager[None]:
    """Have other DVC processes refuse to write what the stage reads or writes, while the context lasts."""
    repo, reads, writes = stage.repo, [dep.fs_path for dep in stage.deps], [out.fs_path for out in stage.outs]
    # As DVC names the same process when it records a stage: else it would be in its own way.
    return rwlock(repo.tmp_dir, repo.fs, " ".join(sys.argv), reads, writes, hardlink=False)


def begin(stage: Stage) -> list[Any]:
    """Make its outputs writable, and tell what it is about to read."""
    with stage.repo.lock:
        stage.remove_outs()  # persistent ones stay
        return _inputs(stage)


def save(stage: Stage, inputs: list[Any]) -> None:
    """Take the outputs of a stage that has ended well into DVC's cache, and tell what is to be recorded of it.

    Raises ChangedMeanwhileError, or DvcException where an output is missing.
    """
    with stage.repo.lock:
        if _inputs(stage) != inputs:
            raise ChangedMeanwhileError
        stage.save(run_cache=all(out.use_cache for out in stage.outs))
        stage.commit()


def record(saved: Sequence[Stage]) -> None:
    """Write stages into dvc.lock. That takes seconds where there are hundreds: DVC writes all of it anew."""
    if saved:
        with saved[0].repo.lock:
            saved[0].dvcfile.dump_stages(saved, update_pipeline=False)


def _inputs(stage: Stage) -> list[Any]:
    stage.save_deps()
    return [dep.hash_info for dep in stage.deps]
