"""Contracts: how columns are written on the command line, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Column, Contract, make_contract
from openswarm.core.errors import ContractError

WORDS = st.text(alphabet="abcdefghij ", min_size=1, max_size=12).map(str.strip).filter(bool)


def test_columns_are_read_with_their_definition_type_and_unit() -> None:
    contract = parse_columns("country; area (number, km2): total area; founded (date)")
    assert contract.columns == (
        Column(name="country"),
        Column(name="area", definition="total area", type="number", unit="km2"),
        Column(name="founded", type="date"),
    )


def test_a_definition_may_hold_colons_and_brackets() -> None:
    contract = parse_columns("name; ratio: a (small) one: two to three")
    assert contract.columns[1] == Column(name="ratio", definition="a (small) one: two to three")


def test_the_first_column_is_the_key_where_none_is_named() -> None:
    assert parse_columns("country; capital").key == ("country",)


def test_a_key_that_is_no_column_becomes_the_first_column() -> None:
    contract = parse_columns("capital: its seat", key=["country"])
    assert contract.names == ("country", "capital")
    assert contract.key == ("country",)


def test_a_key_of_several_columns_is_kept_in_its_order() -> None:
    contract = parse_columns("name; year; prize", key=["year", "name"])
    assert contract.key == ("year", "name")
    assert [column.name for column in contract.asked] == ["prize"]


@pytest.mark.parametrize("text", ["", "  ", ";", " ; ; "])
def test_no_column_at_all_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ContractError, match="--columns"):
        parse_columns(text)


@pytest.mark.requirement("bad.columns")
@pytest.mark.parametrize("text", ["capital; capital", "capital; Capital: seat", "a; b; A; B"])
def test_two_columns_of_one_name_are_refused_whatever_their_case(text: str) -> None:
    with pytest.raises(ContractError, match="named twice"):
        parse_columns(text)


def test_an_unknown_type_is_refused_with_the_types_there_are() -> None:
    with pytest.raises(ContractError, match=r"'area'.*'integer'.*number"):
        parse_columns("area (integer): total area")


@pytest.mark.parametrize("text", ["(number)", ": a definition", "a(b"])
def test_a_column_without_a_readable_name_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="name: definition"):
        parse_columns(text)


def test_a_name_or_definition_beyond_its_length_is_one_contract_error() -> None:
    with pytest.raises(ContractError, match="at most 80"):
        parse_columns("x" * 81)
    with pytest.raises(ContractError, match="at most 1000"):
        parse_columns("x: " + "y" * 1001)


def test_more_columns_than_a_table_may_have_are_refused() -> None:
    with pytest.raises(ContractError, match="60"):
        parse_columns("; ".join(f"c{i}" for i in range(61)))


@pytest.mark.requirement("bad.columns")
def test_a_key_outside_the_columns_is_refused_with_the_columns() -> None:
    with pytest.raises(ContractError, match="key year is not a column; the columns are name"):
        make_contract(columns=(Column(name="name"),), key=("year",))


def test_a_contract_without_a_key_or_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(ContractError, match="key"):
        make_contract(columns=(Column(name="name"),), key=())
    with pytest.raises(ContractError, match="colour"):
        make_contract(columns=(Column(name="name"),), key=("name",), colour="red")


@given(st.lists(WORDS, min_size=1, max_size=6, unique_by=str.casefold))
def test_every_list_of_plain_names_is_a_contract_of_those_names(names: list[str]) -> None:
    contract = parse_columns("; ".join(names))
    assert contract.names == tuple(names)
    assert Contract.model_validate_json(contract.model_dump_json()) == contract


@given(st.text(max_size=60))
def test_any_text_is_either_a_contract_or_a_contract_error(text: str) -> None:
    try:
        contract = parse_columns(text)
    except ContractError as error:
        assert str(error)
    else:
        assert set(contract.key) <= set(contract.names)
