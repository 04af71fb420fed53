"""The contract: the frozen definition of a table that every sub-agent is given word for word."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from openswarm.core.errors import ContractError
from openswarm.core.frozen import Frozen

ColumnType = Literal["text", "number", "date", "url", "boolean", "enum"]
COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)
MAX_VALUE_CHARS = 400
MAX_QUOTE_CHARS = 600
MAX_COLUMNS = 60
KEY_SEPARATOR = " / "
"""What stands between the parts of a row's name where the key has several columns."""

PLAIN_MARKS = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u00ad": None}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)
"""Typographic quotes and dashes as they are typed; a soft hyphen is nothing."""


class Column(Frozen):
    """One column: what it means is written once, here."""

    name: str = Field(min_length=1, max_length=80)
    definition: str = Field("", max_length=1000)
    type: ColumnType = "text"
    unit: str = Field("", max_length=80)
    """Of a number: what it counts, such as `km2`; values in another unit are converted to it."""
    example: str = Field("", max_length=200)
    options: tuple[str, ...] = Field((), max_length=100)
    """Of an enum: what a value may be."""
    nullable: bool = True
    """Whether a row is whole without it."""
    needs_source: bool = False
    """Whether a value counts only with a quote that stands in what was read."""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.name != self.name.strip():
            raise ValueError("the name begins or ends with white space")
        if self.type == "enum" and len(self.options) < 2:
            raise ValueError("an enum needs at least two options, such as (enum, open|closed)")
        if self.type != "enum" and self.options:
            raise ValueError(f"only an enum has options, and the type is {self.type}")
        folded = [fold_key(option) for option in self.options]
        if len(set(folded)) < len(folded) or not all(folded):
            raise ValueError("an option is empty or named twice")
        return self


class Alias(Frozen):
    """Other spellings of a key: rows of any of them are one row."""

    name: str = Field(min_length=1, max_length=MAX_VALUE_CHARS)
    others: tuple[str, ...] = Field(min_length=1, max_length=100)


class Contract(Frozen):
    """The columns of a table and which of them identify a row."""

    columns: tuple[Column, ...] = Field(min_length=1, max_length=MAX_COLUMNS)
    key: tuple[str, ...] = Field(min_length=1)
    notes: str = Field("", max_length=4000)
    aliases: tuple[Alias, ...] = Field((), max_length=2000)

    @field_validator("aliases", mode="before")
    @classmethod
    def _aliases_by_name(cls, value: Any) -> Any:
        """In files aliases are written `{United States: [USA, US]}`."""
        if isinstance(value, Mapping):
            return [{"name": name, "others": others} for name, others in value.items()]
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        folded = [column.name.casefold() for column in self.columns]
        twice = sorted({name for name in folded if folded.count(name) > 1})
        if twice:
            raise ValueError(f"column named twice: {', '.join(twice)}; give each its own name")
        unknown = [name for name in self.key if name not in self.names]
        if unknown:
            raise ValueError(
                f"key {', '.join(unknown)} is not a column; the columns are {', '.join(self.names)}"
            )
        if len(set(self.key)) < len(self.key):
            raise ValueError("a column is named twice in the key")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def asked(self) -> tuple[Column, ...]:
        """The columns that are not the key: what a sub-agent has to find."""
        return tuple(column for column in self.columns if column.name not in self.key)

    def column(self, name: str) -> Column:
        """The column of that name, case and white space aside. Raises `ContractError`."""
        wanted = fold_key(name)
        found = [column for column in self.columns if fold_key(column.name) == wanted]
        for column in found:
            if column.name == name or len(found) == 1:
                return column
        raise ContractError(
            f"there is no column {name[:80]!r}; the columns are {', '.join(self.names)}"
        )

    def only(self, names: tuple[str, ...]) -> "Contract":
        """The same contract with the key and these columns alone."""
        kept = tuple(c for c in self.columns if c.name in self.key or c.name in names)
        return self.model_copy(update={"columns": kept})

    def parts(self, name: str) -> tuple[str, ...]:
        """The key's values in a row's name, `Chile / 2024` for two; () where it has too few or
        too many."""
        found = name.split(KEY_SEPARATOR) if len(self.key) > 1 else [name]
        return tuple(part.strip() for part in found) if len(found) == len(self.key) else ()

    def key_of(self, name: str) -> tuple[str, ...]:
        """The key of a row's name; that of the whole name where it has other parts than the key."""
        return self.fold(self.parts(name) or (name,))

    def fold(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The key of a row for comparison: spellings and stated aliases of one thing are equal."""
        if not self.aliases:
            return tuple(map(fold_key, values))
        known = _canonical(self.aliases)
        return tuple(known.get(folded, folded) for folded in map(fold_key, values))


def fold_key(value: str) -> str:
    """A key for comparison: case, white space, typographic marks and outer punctuation do not
    count."""
    plain = (
        value if value.isascii() else unicodedata.normalize("NFKC", value).translate(PLAIN_MARKS)
    )
    return " ".join(plain.casefold().split()).strip(" .,;:'\"()[]")


@lru_cache(maxsize=64)
def _canonical(aliases: tuple[Alias, ...]) -> dict[str, str]:
    """What each spelling stands for. Aliases that share a spelling are one, under the last name."""
    known: dict[str, str] = {}
    for alias in aliases:
        name = fold_key(alias.name)
        folded = {name, *map(fold_key, alias.others)}
        groups = {known.get(entry, entry) for entry in folded}
        known = {entry: name if group in groups else group for entry, group in known.items()}
        known |= dict.fromkeys(folded, name)
    return known


def make_contract(**fields: Any) -> Contract:
    """A contract from its fields; what is wrong with them comes as one `ContractError`."""
    try:
        return Contract(**fields)
    except ValueError as error:
        raise ContractError(reasons(error)) from None


def make_column(**fields: Any) -> Column:
    """A column from its fields. Raises `ContractError` that names it."""
    try:
        return Column(**fields)
    except ValueError as error:
        raise ContractError(f"column {str(fields['name'])[:80]!r}: {reasons(error)}") from None


def reasons(error: ValueError) -> str:
    """What is wrong, in one line."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(
        ".".join(str(part) for part in entry["loc"])
        + (": " if entry["loc"] else "")
        + entry["msg"].removeprefix("Value error, ")
        for entry in errors()
    )
