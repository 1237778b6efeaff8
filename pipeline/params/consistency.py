"""What must fit together in params.yaml, beyond each field by itself. All raise ValueError with the field."""

from collections.abc import Iterable, Mapping

from pipeline.base.errors import did_you_mean
from pipeline.params.datasets import Dataset
from pipeline.params.families import PAPER, Family
from pipeline.params.fields import require
from pipeline.params.models import ModelEntry, Role
from pipeline.params.protocols import Protocol, Tuning


def check_families(
    families: Mapping[str, Family], datasets: Mapping[str, Dataset], models: Mapping[str, ModelEntry]
) -> None:
    """Families name what there is, no run is in two of them, and each of their models has a part of its own."""
    require(PAPER in families, f"families.{PAPER} is missing: the tables show it beside the paper's numbers, add it")
    homes: dict[tuple[str, str], str] = {}
    for name, family in families.items():
        field = f"families.{name}"
        parts = {field: family} | ({f"{field}.others": family.others} if family.others else {})
        for place, part in parts.items():
            _require_known(f"{place}.datasets", part.datasets, "datasets", datasets)
            _require_known(f"{place}.models", part.models, "models", models)
        for run in family.runs():
            home = homes.setdefault(run, name)
            both = f"{field} runs {run[1]!r} on {run[0]!r}, which families.{home} runs already"
            require(home == name, f"{both}: take it out of one, or give it another entry of models")
        _require_a_part_each(field, family, models)
        asked = {claim for dataset in family.datasets for claim in datasets[dataset].claims}
        other = next((claim for claim in family.primary if claim not in asked), None)
        require(other is None, f"{field}.primary names {other!r}, which none of its texts has in claims: add it there")
        for dataset, model in family.runs():
            ours, theirs = models[model].block_size, datasets[dataset].block_size
            sizes = f"{ours} tokens, and datasets.{dataset}.block_size is {theirs}"
            require(ours == theirs, f"{field} runs {model!r} with a block_size of {sizes}: make them equal")


def check_protocols(families: Mapping[str, Family], protocols: Mapping[str, Protocol], tuning: Tuning) -> None:
    """Families train by protocols that there are, and never with the seed that their learning rates are chosen by."""
    for name, family in families.items():
        if family.protocol is None:
            continue
        _require_known(f"families.{name}.protocol", [family.protocol], "protocols", protocols)
        fresh = all(tuning.seed not in seeds for seeds in family.seeded().values())
        require(fresh, f"families.{name}.seeds has {tuning.seed}, which tuning.seed keeps for itself: take another")


def check_measured(timed: list[str], scaled: list[str], models: Mapping[str, ModelEntry]) -> None:
    """What is timed are a GAM and models to compare it with; of each block there is one entry at most."""
    for field, names in (("timing.models", timed), ("scaling.models", scaled)):
        _require_known(field, names, "models", models)
        twice = next((name for name in names if names.count(name) > 1), None)
        require(twice is None, f"{field} names {twice!r} twice")
        gams = [name for name in names if models[name].role == "gam"]
        require(len(gams) < 2, f"{field} names two whole GAMs, {' and '.join(gams)}: leave one")
    require(any(models[name].role == "gam" for name in timed), "timing.models names no whole GAM to compare: add it")
    sizes = {name: models[name].block_size for name in timed}
    told = ", ".join(f"{name} {size}" for name, size in sizes.items())
    require(len(set(sizes.values())) == 1, f"timing.models differ in block_size ({told}): make them equal")


def _require_known(field: str, names: Iterable[str], section: str, known: Mapping[str, object]) -> None:
    name = next((name for name in names if name not in known), None)
    hint = did_you_mean(str(name), known)
    require(name is None, f"{field} names {name!r}, which {section} does not have{hint}")


def _require_a_part_each(field: str, family: Family, models: Mapping[str, ModelEntry]) -> None:
    """No two models of a family have the same block and switches: it would not be clear which one a claim means."""
    players: dict[Role, str] = {}
    for model in family.members():
        role = models[model].role
        other = players.setdefault(role, model)
        both = f"{field}.models: {other!r} and {model!r} have the same block and switches"
        require(other == model, f"{both}, so no claim can tell them apart: move one to a family of its own")
