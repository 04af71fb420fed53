"""Tables as Parquet files, opened again with pyarrow."""

import datetime
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Contract, make_contract
from openswarm.core.table import Cell, Conflict, Row, Table
from openswarm.swarm.parquet import parquet_file

TYPED = parse_columns(
    "item; size (number); founded (date); open (boolean); site (url); kind (enum, big|small)"
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)


def row(contract: Contract, *values: str) -> Row:
    cells = {n: Cell(value=v) for n, v in zip(contract.names, values, strict=True)}
    return Row(cells=cells)


def read(table: Table, **fields: str) -> pa.Table:
    return pq.read_table(io.BytesIO(parquet_file(table, **fields)))


def column(facts: str, *values: str) -> pa.ChunkedArray:
    contract = parse_columns(f"item; x ({facts})")
    return read(Table(contract=contract, rows=tuple(row(contract, "a", v) for v in values)))["x"]


@pytest.mark.requirement("table.parquet")
def test_columns_are_typed_and_empty_cells_null() -> None:
    full = row(TYPED, "a", "5", "2024-02-29", "yes", "https://a.example", "big")
    found = read(Table(contract=TYPED, rows=(full, row(TYPED, "=b", "", "", "", "", ""))))
    assert found.schema.types == [
        pa.string(), pa.int64(), pa.date32(), pa.bool_(), pa.string(), pa.string(), pa.string()
    ]  # fmt: skip
    day = datetime.date(2024, 2, 29)
    lines = [list(line.values())[:-1] for line in found.to_pylist()]
    assert lines == [
        ["a", 5, day, True, "https://a.example", "big"],
        ["=b", None, None, None, None, None],
    ]


@pytest.mark.requirement("table.parquet")
@pytest.mark.parametrize(
    ("facts", "values", "kind"),
    [
        ("number", ("-5", "9223372036854775807", "19.0"), pa.int64()),
        ("number", ("9223372036854775808", "1"), pa.decimal128(19, 0)),
        ("number", ("1.5", "-0.25", "9.95"), pa.float64()),
        ("number", ("0.1234567890123456789", "1e15"), pa.decimal128(35, 19)),
        ("number", ("0.1234567890123456789", "100"), pa.decimal128(22, 19)),
        ("number", ("0.1234567890123456789", "1e20"), pa.string()),
        ("number", ("5", "about 5"), pa.string()),
        ("date", ("2024-02-29", "2024"), pa.string()),
        ("boolean", ("yes", "perhaps"), pa.string()),
    ],
)  # fmt: skip
def test_a_type_is_taken_where_all_values_fit(
    facts: str, values: tuple[str, ...], kind: pa.DataType
) -> None:
    found = column(facts, *values)
    assert found.type == kind
    if kind == pa.string():
        assert found.to_pylist() == list(values)


@pytest.mark.requirement("table.parquet")
@given(numbers=st.lists(DECIMALS, min_size=1, max_size=4))
@settings(deadline=None)
def test_no_digit_of_a_number_is_lost(numbers: list[Decimal]) -> None:
    texts = [str(number) for number in numbers]
    assert [Decimal(str(value)) for value in column("number", *texts).to_pylist()] == numbers


@pytest.mark.requirement("table.parquet")
def test_the_evidence_of_a_row_stands_in_its_last_column() -> None:
    contract = parse_columns("item; size")
    kept = Cell(value="5", quote="it is 5", source="a.md", state="conflict", confidence="low")
    other = Cell(value="6", quote="it is 6", source="b.md", state="filled")
    conflict = Conflict(key=("a",), column="size", kept=kept, others=(other,), rule="majority")
    lines = (
        Row(cells={"item": Cell(value="a"), "size": kept}),
        Row(cells={"item": Cell(value="b"), "size": Cell()}),
    )
    found = read(Table(contract=contract, rows=lines, conflicts=(conflict,)))
    assert found.column_names == ["item", "size", "_evidence"]
    disputed, nothing = [json.loads(text) for text in found["_evidence"].to_pylist()]
    assert disputed == {
        "size": {
            "quote": "it is 5",
            "source": "a.md",
            "state": "conflict",
            "confidence": "low",
            "others": [other.model_dump(exclude_defaults=True)],
            "rule": "majority",
        }
    }
    assert nothing == {}


@pytest.mark.requirement("table.parquet")
def test_the_file_says_which_contract_and_run_it_comes_from() -> None:
    made = parquet_file(Table(contract=TYPED), answer="None.", run_id="r1")
    about: dict[bytes, Any] = pq.read_metadata(io.BytesIO(made)).metadata
    assert Contract.model_validate_json(about[b"openswarm.contract"]) == TYPED
    assert (about[b"openswarm.run_id"], about[b"openswarm.answer"]) == (b"r1", b"None.")


@pytest.mark.requirement("table.parquet")
def test_a_table_without_rows_has_its_columns() -> None:
    found = read(Table(contract=TYPED))
    assert (found.num_rows, found.column_names) == (0, [*TYPED.names, "_evidence"])
    assert found.schema.field("size").type == pa.int64()


def test_a_column_of_the_same_name_and_text_that_is_no_unicode_do_no_harm() -> None:
    columns = [{"name": "_Evidence"}, {"name": "x"}]
    contract = make_contract(columns=columns, key=["_Evidence"])
    found = read(Table(contract=contract, rows=(row(contract, "a", "b\ud800"),)))
    assert found.column_names == ["_Evidence", "x", "_evidence_"]
    assert found["x"].to_pylist() == ["b?"]
