"""The section `datasets` of params.yaml: where a text comes from, and how it is used."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from pipeline.params.fields import NonNegativeInt, PositiveInt, Section, Sha256, require

Split = Literal["train", "validation", "test"]
TextClaim = Literal["C3", "C4", "C7", "C8", "C9", "C10", "C11", "C12"]
"""The paper's claims about what models learn from a text; the others are about time and memory."""


class Hub(Section):
    """A data set of the Hugging Face Hub, pinned to a revision."""

    path: str
    name: str | None
    """Configuration of the data set, null where it has one only."""
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]

    def folder(self) -> str:
        """Where a mirror has it: under the name of the configuration, or of the data set where it has one only."""
        return self.name or self.path.rpartition("/")[2]


class Generated(Section):
    """The corpus that pipeline.data.stories makes from a seed."""

    generator_seed: NonNegativeInt


def _origin(value: Any) -> str:
    """Which kind of origin it is; pydantic asks on reading and on writing."""
    generated = isinstance(value, Generated) or (isinstance(value, dict) and "generator_seed" in value)
    return "generated" if generated else "hub"


class Dataset(Section):
    """A text, the tokenizer trained on it, and what is asked of it."""

    origin: Annotated[Annotated[Hub, Tag("hub")] | Annotated[Generated, Tag("generated")], Discriminator(_origin)]
    rows: dict[Split, PositiveInt | None]
    """The splits to use and the number of first rows of each, null for all."""
    sha256: dict[Split, Sha256]
    """Hash of a split's rows, each as UTF-8 followed by a NUL byte; splits that are not named are not checked."""
    vocab_size: int = Field(ge=5, le=2**21)
    """Where training the tokenizer stops, if it has merges left and the text has no more characters than that; three
    ids are counted as one number of 63 bits."""
    block_size: int = Field(ge=2, lt=2**63)
    """Tokens of a block in which counts of tokens are scored: that of the models that are compared on it."""
    claims: list[TextClaim]
    """Which of the paper's claims are judged on it."""

    def what(self) -> dict[str, Any]:
        """All that decides the tokens; the hashes only check the rows."""
        return self.model_dump(include={"origin", "rows", "vocab_size"})

    def what_rows(self) -> dict[str, Any]:
        """All that decides the rows."""
        return self.model_dump(include={"origin", "rows"})

    @model_validator(mode="after")
    def _check_splits(self) -> Self:
        require({"train", "validation"} <= self.rows.keys(), "rows must name train and validation")
        require(self.sha256.keys() <= self.rows.keys(), "sha256 names a split that rows does not name")
        require(
            isinstance(self.origin, Hub) or None not in self.rows.values(),
            "rows must be numbers: nothing ends a generator",
        )
        twice = next((name for name in self.claims if self.claims.count(name) > 1), None)
        require(twice is None, f"claims names {twice!r} twice")
        return self
