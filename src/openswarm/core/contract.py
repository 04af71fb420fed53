"""The contract: the frozen definition of a table that every sub-agent is given word for word."""

import re
from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from openswarm.core.errors import ContractError
from openswarm.core.frozen import Frozen

ColumnType = Literal["text", "number", "date", "url", "boolean"]
MAX_VALUE_CHARS = 400
MAX_QUOTE_CHARS = 600


class Column(Frozen):
    """One column: what it means is written once, here."""

    name: str = Field(min_length=1, max_length=80)
    definition: str = Field("", max_length=1000)
    type: ColumnType = "text"
    unit: str = Field("", max_length=80)
    example: str = Field("", max_length=200)


class Contract(Frozen):
    """The columns of a table and which of them identify a row."""

    columns: tuple[Column, ...] = Field(min_length=1, max_length=60)
    key: tuple[str, ...] = Field(min_length=1)
    notes: str = Field("", max_length=4000)

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
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def asked(self) -> tuple[Column, ...]:
        """The columns that are not the key: what a sub-agent has to find."""
        return tuple(column for column in self.columns if column.name not in self.key)


_COLUMN = re.compile(
    r"^(?P<name>[^:()]+?)\s*(?:\((?P<type>[a-z]+)(?:\s*,\s*(?P<unit>[^)]+))?\))?\s*"
    r"(?::\s*(?P<definition>.*))?$",
    re.DOTALL,
)


def parse_columns(text: str, key: Iterable[str] = ()) -> Contract:
    """The contract written as `"name: definition; name (number, km): definition; …"`.

    Without `key` the first column is the key; a key that is not among the columns becomes the
    first one. Raises `ContractError` with what to change.
    """
    columns = [_parse_column(part.strip()) for part in text.split(";") if part.strip()]
    if not columns:
        raise ContractError('no column given; write --columns "name: definition; name: definition"')
    keys = tuple(name.strip() for name in key if name.strip()) or (columns[0].name,)
    names = {column.name for column in columns}
    columns = [_column(name=name) for name in keys if name not in names] + columns
    return make_contract(columns=tuple(columns), key=keys)


def make_contract(**fields: Any) -> Contract:
    """A contract from its fields; what is wrong with them comes as one `ContractError`."""
    try:
        return Contract(**fields)
    except ValueError as error:
        raise ContractError(_reasons(error)) from None


def _parse_column(text: str) -> Column:
    match = _COLUMN.match(text)
    if match is None:
        raise ContractError(f"column {text!r} is not `name: definition`")
    parts = {name: (value or "").strip() for name, value in match.groupdict().items()}
    kind = parts["type"] or "text"
    allowed = ("text", "number", "date", "url", "boolean")
    if kind not in allowed:
        raise ContractError(f"column {parts['name']!r}: type {kind!r} is not one of {allowed}")
    return _column(**{**parts, "type": kind})


def _column(**fields: Any) -> Column:
    try:
        return Column(**fields)
    except ValueError as error:
        raise ContractError(f"column {fields['name'][:80]!r}: {_reasons(error)}") from None


def _reasons(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(
        ".".join(str(part) for part in entry["loc"])
        + (": " if entry["loc"] else "")
        + entry["msg"].removeprefix("Value error, ")
        for entry in errors()
    )
