"""Columns from a line of text, with all that its brackets may hold, and from a pydantic model."""

import datetime
import enum
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import BaseModel, Field, HttpUrl

from openswarm.core.columns import contract_of, parse_column, parse_columns
from openswarm.core.contract import Column
from openswarm.core.errors import ContractError

pytestmark = pytest.mark.requirement("table.contract-sources")


class Status(enum.Enum):
    """Whether a mine works."""

    OPEN = "open"
    CLOSED = "closed"


class Grade(enum.IntEnum):
    """A rank."""

    FIRST = 1
    SECOND = 2


class Mine(BaseModel):
    """One mine a row."""

    name: str
    output: float | None = Field(
        None, description="of copper", examples=[12.5, 3], json_schema_extra={"unit": "t"}
    )
    workers: int = Field(title="Workers employed", json_schema_extra={"needs_source": True})
    value: Decimal | None
    opened: datetime.date
    seen: datetime.datetime | datetime.date | None = None
    site: HttpUrl
    active: bool
    kind: Literal["pit", "shaft"]
    status: Status | None
    grade: Grade


# the text form


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("eu (enum, yes|no)", Column(name="eu", type="enum", options=("yes", "no"))),
        ("eu (enum, yes | no, n/a)", Column(name="eu", type="enum", options=("yes", "no", "n/a"))),
        ("name (required)", Column(name="name", nullable=False)),
        ("name (with source)", Column(name="name", needs_source=True)),
        (
            "area (number, km2, required, with source): in all",
            Column(
                name="area",
                definition="in all",
                type="number",
                unit="km2",
                nullable=False,
                needs_source=True,
            ),
        ),
        (
            "s (enum, required, open|closed)",
            Column(name="s", type="enum", options=("open", "closed"), nullable=False),
        ),
        ("site (url, with source)", Column(name="site", type="url", needs_source=True)),
    ],
)
def test_the_brackets_hold_type_unit_or_options_and_what_a_value_needs(
    text: str, column: Column
) -> None:
    assert parse_column(text) == column


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s (enum)", "an enum needs at least two options"),
        ("s (enum, open)", "an enum needs at least two options"),
        ("s (enum, open|Open)", "named twice"),
        ("s (requird)", "type 'requird' is not one of"),
    ],
)
def test_what_does_not_fit_in_the_brackets_is_named(text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said) as caught:
        parse_columns(f"name; {text}")
    assert "'s'" in str(caught.value)


# a pydantic model


def test_the_fields_of_a_model_are_columns_of_their_types() -> None:
    contract = contract_of(Mine)
    assert contract.columns == (
        Column(name="name", nullable=False),
        Column(name="output", definition="of copper", type="number", unit="t", example="12.5"),
        Column(name="Workers employed", type="number", nullable=False, needs_source=True),
        Column(name="value", type="number"),
        Column(name="opened", type="date", nullable=False),
        Column(name="seen", type="date"),
        Column(name="site", type="url", nullable=False),
        Column(name="active", type="boolean", nullable=False),
        Column(name="kind", type="enum", options=("pit", "shaft"), nullable=False),
        Column(name="status", type="enum", options=("open", "closed")),
        Column(name="grade", type="enum", options=("1", "2"), nullable=False),
    )
    assert (contract.key, contract.notes) == (("name",), "One mine a row.")


def test_the_key_is_given_or_marked_or_the_first_field() -> None:
    class Prize(BaseModel):
        person: str
        year: int = Field(title="Year", json_schema_extra={"key": True})
        prize: str = Field(json_schema_extra={"key": True})

    assert contract_of(Prize).key == ("Year", "prize")
    assert contract_of(Prize, key=["person", "year"]).key == ("person", "Year")
    assert contract_of(Prize, key=["Year"]).key == ("Year",)
    assert contract_of(Mine).key == ("name",)


def test_a_default_makes_a_column_nullable() -> None:
    class Place(BaseModel):
        name: str
        country: str = ""

    assert [column.nullable for column in contract_of(Place).columns] == [False, True]


def test_a_type_that_is_no_columns_is_refused_with_the_field() -> None:
    class Lists(BaseModel):
        name: str
        tags: list[str]

    class Mixed(BaseModel):
        size: int | str

    class Empty(BaseModel):
        pass

    with pytest.raises(ContractError, match=r"'tags'.*Literal or Enum"):
        contract_of(Lists)
    with pytest.raises(ContractError, match="'size'"):
        contract_of(Mixed)
    with pytest.raises(ContractError, match="Empty has no fields"):
        contract_of(Empty)
