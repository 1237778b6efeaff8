"""Which models stand together in a table or a figure: those of a family on one text, and what the paper has of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.params.families import PAPER, Family
from pipeline.params.models import ABLATIONS, Role
from pipeline.params.schema import Params
from pipeline.report.published import Published


@dataclass(frozen=True)
class Member:
    """A model of a group, by the part that it plays."""

    role: Role
    model: str | None
    """Its entry in `models`; None where the paper alone has it."""
    is_fused: bool = False

    def name(self, published: Published) -> str:
        """As the paper calls it, and what the paper does not have beside it."""
        return published.names.get(self.role, self.role) + (" (fused)" if self.is_fused else "")


@dataclass(frozen=True)
class Comparison:
    """Models of one family on one text."""

    dataset: str
    family: str
    members: list[Member]

    @property
    def label(self) -> str:
        return self.dataset if self.is_papers else f"{self.dataset}, {self.family}"

    @property
    def is_papers(self) -> bool:
        """Whether the paper's numbers belong beside it."""
        return self.family == PAPER


def member(params: Params, model: str) -> Member:
    """An entry of `models` as a member of a group."""
    entry = params.models[model]
    return Member(entry.role, model, entry.is_fused)


def merged(ours: list[Member], theirs: Iterable[Role]) -> list[Member]:
    """Our models in their order, then those that the paper alone has."""
    there = {each.role for each in ours}
    return [*ours, *(Member(role, None) for role in theirs if role not in there)]


def compared(params: Params, theirs: Mapping[str, Mapping[Role, object]]) -> list[Comparison]:
    """The models of every family that trains as published, without ablations, as the paper's Table 1 has them."""
    return _groups(params, theirs, lambda family, dataset: _compared_on(params, family, dataset))


def ablated(params: Params, theirs: Mapping[str, Mapping[Role, object]]) -> list[Comparison]:
    """The GAMs of these families on each text on which they have ablations, as the paper's Table 3 has them."""
    return _groups(params, theirs, lambda family, dataset: _ablated_on(params, family, dataset))


def _groups(
    params: Params,
    theirs: Mapping[str, Mapping[Role, object]],
    members_of: Callable[[Family, str], list[Member]],
) -> list[Comparison]:
    """`theirs`: what the paper has, by text; its texts are there whether or not its family runs on them."""
    groups = []
    for name, family in params.families.items():
        if family.protocol:
            continue
        papers = theirs if name == PAPER else {}
        ours = [dataset for dataset in family.datasets if members_of(family, dataset)]
        for dataset in dict.fromkeys([*ours, *papers]):
            members = merged(members_of(family, dataset), papers.get(dataset, {}))
            groups.append(Comparison(dataset, name, members))
    return groups


def _compared_on(params: Params, family: Family, dataset: str) -> list[Member]:
    models = family.models if dataset in family.datasets else []
    return [member(params, model) for model in models if params.models[model].role not in ABLATIONS]


def _ablated_on(params: Params, family: Family, dataset: str) -> list[Member]:
    there = [member(params, model) for data, model in family.runs() if data == dataset]
    chosen = [each for each in there if each.role in ("gam", *ABLATIONS)]
    return chosen if any(each.role in ABLATIONS for each in chosen) else []
