"""Stage `check`: params.yaml is valid, and dvc.yaml has the stages that it asks for.

Its output never changes, so a valid edit reruns nothing by itself, and an invalid one stops the graph before DVC
removes anything.
"""

import re
from typing import Any

from pipeline.base import paths
from pipeline.base.errors import UserError, exit_cleanly
from pipeline.base.files import write_text
from pipeline.params.command_line import read_names
from pipeline.params.reading import read_yaml
from pipeline.params.schema import Params

_IN_A_LOOP = re.compile(r"\$|^item\.|^key$")
"""A name with a part that takes one value after another."""


def main() -> None:
    _, params = read_names(__doc__)
    if paths.GRAPH.exists():
        require_stages(params, read_yaml(paths.GRAPH)["stages"])
    write_text(paths.PARAMS_ARE_VALID, "valid\n")


def require_stages(params: Params, stages: dict[str, Any]) -> None:
    """Raise UserError where dvc.yaml and params.yaml do not name the same things.

    Nothing in dvc.yaml would make runs that params.yaml names, or measure a model anew; or dvc.yaml names what
    params.yaml does not have.
    """
    values = params.model_dump()
    unknown = next((name for name in _named(stages) if not _has(values, name)), None)
    if unknown:
        raise UserError(
            f"{paths.PARAMS} has no {unknown}, which {paths.GRAPH} names: add it, or take it out there as well"
        )
    for name, family in params.families.items():
        lists = [f"families.{name}"] if family.models else []
        lists += [f"families.{name}.others"] if family.others and family.others.models else []
        for runs in lists:
            for kind in ("train", "evaluate"):
                if not any(_goes_over(stage, kind, runs) for stage in stages.values()):
                    raise UserError(
                        f"{paths.PARAMS}: {paths.GRAPH} has no stage to {kind} {runs}: add two lines, see "
                        "docs/extending.md"
                    )
    timed = {f"models.{name}" for name in params.timing.models}
    unseen = sorted(timed - set(stages["timing"]["params"]))
    if unseen:
        raise UserError(
            f"{paths.PARAMS}: stage timing of {paths.GRAPH} does not depend on {', '.join(unseen)}, which "
            "timing.models names: add it to its params, and its fingerprint to its deps"
        )


def _named(stages: dict[str, Any]) -> list[str]:
    """What stages name of params.yaml: dotted keys."""
    listed = [name for stage in stages.values() for name in stage.get("do", stage).get("params", [])]
    return [name for name in [*listed, *re.findall(r"\$\{([^}]+)\}", str(stages))] if not _IN_A_LOOP.search(name)]


def _has(values: dict[str, Any], name: str) -> bool:
    """Whether a dotted key is there."""
    for key in name.split("."):
        if not isinstance(values, dict) or key not in values or values[key] is None:
            return False
        values = values[key]
    return True


def _goes_over(stage: dict[str, Any], kind: str, runs: str) -> bool:
    """Whether a stage trains, or evaluates, what a part of params.yaml lists."""
    is_kind = str(stage.get("cmd")).startswith(f"python -m pipeline.{kind} ")
    return is_kind and stage["matrix"]["model"] == f"${{{runs}.models}}"


if __name__ == "__main__":
    exit_cleanly(main)
