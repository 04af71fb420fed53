"""Rows, their keys, and what counts as the same key."""

import pytest

from openswarm.core.columns import parse_columns
from openswarm.core.contract import fold_key
from openswarm.core.table import Cell, Row


@pytest.mark.parametrize("spelling", ["Chile", " chile ", "CHILE.", '"Chile"', "(chile)"])
def test_spellings_of_one_key_are_equal(spelling: str) -> None:
    assert fold_key(spelling) == "chile"


def test_white_space_inside_a_key_is_folded() -> None:
    assert fold_key("New\n  York") == fold_key("new york")


def test_different_names_stay_different() -> None:
    assert fold_key("Guinea") != fold_key("Guinea-Bissau")


def test_a_row_has_the_key_of_its_contract_and_values_without_evidence() -> None:
    contract = parse_columns("name; year; prize", key=["year", "name"])
    row = Row(
        cells={
            "name": Cell(value="A. B."),
            "year": Cell(value="1999", source="x.md", state="filled"),
            "prize": Cell(value="first"),
        }
    )
    assert row.key(contract) == ("1999", "a. b")
    assert row.values() == {"name": "A. B.", "year": "1999", "prize": "first"}
