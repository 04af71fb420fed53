"""Rows that are given in a file: what is refused, and how they meet a contract."""

from pathlib import Path

import pytest
from grids import grid, of, refused
from hypothesis import given
from hypothesis import strategies as st

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Alias, Column, make_contract
from openswarm.core.errors import ContractError, UserError
from openswarm.core.table import Cell, Row
from openswarm.modes import given as module
from openswarm.modes.given import given_rows, read_grid

pytestmark = pytest.mark.requirement("table.start-from-file")


# csv


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    lines = ['country;"area; land";note', 'Chile;1.5;"one\ntwo"', 'Peru;2.5;"a; ""b"""']
    assert grid(tmp_path, "\n".join(lines).replace(";", delimiter)) == of(
        ["country", f"area{delimiter} land".replace("\t ", " "), "note"],
        ["Chile", "1.5", "one\ntwo"],
        ["Peru", "2.5", f'a{delimiter} "b"'],
        lines=[2, 4],
    )


def test_decimal_commas_do_not_hide_the_semicolon(tmp_path: Path) -> None:
    read = grid(tmp_path, "name;a, in km;b\nx;1,5;2,5\ny;1,25;3\n")
    assert read == of(["name", "a, in km", "b"], ["x", "1,5", "2,5"], ["y", "1,25", "3"])


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert grid(tmp_path, "city\nLima\nQuito").rows == [["Lima"], ["Quito"]]
    assert "line 2: 2 cells under 1 column names" in refused(tmp_path, "city\nWashington, D.C.\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_in_the_file_and_blank_ones_left_out(tmp_path: Path, end: str) -> None:
    lines = ["", "a, b", " , ", '"x', '', 'y",1', "", "z,2", ""]  # fmt: skip
    read = grid(tmp_path, end.join(lines))
    assert read == of(["a", "b"], [f"x{end}{end}y", "1"], ["z", "2"], lines=[4, 8])


def test_a_byte_order_mark_and_the_suffix_in_capitals(tmp_path: Path) -> None:
    assert grid(tmp_path, "\ufeffa;b\nä;ö\n", "G.CSV").columns == ["a", "b"]
    assert grid(tmp_path, "a\tb\nä\tö\n", "g.tsv").rows == [["ä", "ö"]]


def test_cells_without_a_name_are_left_out_where_they_are_empty(tmp_path: Path) -> None:
    assert grid(tmp_path, "a,b,,\n1,2,,\n3,4\n") == of(["a", "b"], ["1", "2"], ["3", "4"])


def test_an_apostrophe_is_taken_off_a_formula_alone(tmp_path: Path) -> None:
    read = grid(tmp_path, "a,'=b\n'=1+1,'tis\n'-5,'\n'@x,''=y\n")
    assert read.columns == ["a", "=b"]
    assert read.rows == [["=1+1", "'tis"], ["'-5", "'"], ["@x", "'=y"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "g.csv, line 1: there are no column names"),
        (" \n,,\n", "there are no column names"),
        ("a,b\n", "has no rows"),
        ("a,b\n\n , \n", "has no rows"),
        ("\na,,b\n1,2,3\n", "line 2: column 2 has no name"),
        ("a,...,b\n1,2,3\n", "column 2 has no name"),
        ("Area,b,area\n1,2,3\n", "line 1: columns 1 and 3 have the same name, 'area'"),
        ("a,b\n1,2\n\n3\n", "line 4: 1 cells under 2 column names"),
        ("a,b\n1,2,3\n", "line 2: 3 cells under 2 column names"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: unexpected end of data"),
        ('a,b\n"1"2,3\n', "line 2: ',' expected after '\"'"),
        (f"a,b\n1,{'x' * 401}\n", "line 2, column 'b': longer than 400 characters"),
        (f"a,{'x' * 401}\n1,2\n", "line 1, column 2: longer than 400 characters"),
        (f"a,b\n1,{'x' * 140_000}\n", "line 2: field larger"),
        ("\n".join(["a"] * 10_002), "more than 10,000 rows"),
        (",".join(f"c{n}" for n in range(61)), "line 1: 61 columns, more than 60"),
        (b"a,b\n1,\xe9\n", "line 2: not UTF-8; save the file as UTF-8"),
        ("a,b\n1,é\n".encode("utf-16"), "line 1: not UTF-8"),
        ("a,b\n1,\0\n", "is not text"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert said in refused(tmp_path, content)


def test_as_many_rows_and_columns_as_there_may_be(tmp_path: Path) -> None:
    assert len(grid(tmp_path, "\n".join(["a", *["x"] * 10_000])).rows) == 10_000
    wide = ",".join(f"c{n}" for n in range(60))
    assert len(grid(tmp_path, f"{wide}\n{wide}").columns) == 60


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"there is no file .*none\.csv"):
        read_grid(tmp_path / "none.csv")
    with pytest.raises(UserError, match=r"\.csv, \.tsv, \.xlsx, \.json, \.parquet"):
        read_grid(tmp_path / "rows.txt")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        read_grid(tmp_path / "folder.csv")
    monkeypatch.setattr(module, "MAX_BYTES", 5_000_000)
    assert "more than 5 MB" in refused(tmp_path, b"a" * 5_000_001)


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), max_size=5))
def test_any_grid_is_read_or_refused_with_a_reason(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "g.csv"
    path.write_text("\n".join(";".join(row) for row in rows), "utf-8", "replace", newline="")
    try:
        read = read_grid(path)
    except UserError as error:
        assert "g.csv" in str(error)
    else:
        assert {len(row) for row in read.rows} == {len(read.columns)}
        assert len(read.rows) == len(read.lines)


# with a contract


def test_what_is_given_is_locked_and_says_where_it_stands() -> None:
    contract, rows = given_rows(of(["country", "area"], ["Chile", " 756,102 "], ["Peru", ""]))
    assert contract == parse_columns("country; area")
    locked = {"agent": "user", "confidence": "high", "state": "locked"}
    assert rows == (
        Row(
            cells={
                "country": Cell(value="Chile", raw="Chile", source="g.csv#2", **locked),
                "area": Cell(value="756,102", raw=" 756,102 ", source="g.csv#2", **locked),
            }
        ),
        Row(
            cells={
                "country": Cell(value="Peru", raw="Peru", source="g.csv#3", **locked),
                "area": Cell(),
            }
        ),
    )


def test_the_columns_of_the_file_go_before_those_that_are_asked_for() -> None:
    asked = parse_columns("area (number, km2): in all; Capital City: the seat; eu (boolean)")
    contract, rows = given_rows(
        of(["x", "AREA.", "country", "EU"], ["1", "5", "Chile", "TRUE"]), asked
    )
    assert contract.names == ("x", "country", "area", "Capital City", "eu")
    assert contract.columns[2:] == asked.columns
    assert contract.columns[:2] == (Column(name="x"), Column(name="country"))
    assert rows[0].values() == {
        "x": "1", "country": "Chile", "area": "5", "Capital City": "", "eu": "yes",
    }  # fmt: skip


def test_notes_and_aliases_stay() -> None:
    asked = make_contract(
        columns=(Column(name="capital"),), key=("capital",), notes="Now.", aliases={"UK": ["GB"]}
    )
    contract, _ = given_rows(of(["country"], ["UK"]), asked)
    assert (contract.notes, contract.aliases) == ("Now.", (Alias(name="UK", others=("GB",)),))
    with pytest.raises(UserError, match=r"line 2 and g\.csv, line 3 have the same key, 'GB'"):
        given_rows(of(["country"], ["UK"], ["GB"]), asked)


@pytest.mark.parametrize(
    ("key", "expected"),
    [((), ("a",)), (("B ",), ("b",)), (["b", "a"], ("b", "a")), (("", " "), ("a",))],
)
def test_the_key_is_the_one_given_or_the_first_column(
    key: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    contract, _ = given_rows(of(["a", "b"], ["1", "2"]), parse_columns("c; b (number)"), key)
    assert contract.key == expected


def test_a_key_that_the_file_does_not_have_is_refused() -> None:
    with pytest.raises(UserError, match=r"no column 'c', which is to be the key; .* are a, b"):
        given_rows(of(["a", "b"], ["1", "2"]), parse_columns("c"), ["c"])


@pytest.mark.parametrize("empty", ["", " ", "n/a", "…"])
def test_a_row_without_a_key_is_refused_with_its_line(empty: str) -> None:
    with pytest.raises(UserError, match=r"g\.csv, line 3: the key \(a / b\) is empty"):
        given_rows(of(["a", "b"], ["1", "2"], ["1", empty]), key=["a", "b"])


def test_two_rows_of_one_key_are_refused_with_both_lines() -> None:
    rows = of(["a", "b"], ["x", "1"], ["y", "1"], [" X.", "2"], lines=[2, 5, 9], name="g.json")
    with pytest.raises(UserError, match=r"g\.json, row 2 and g\.json, row 9 have the same key"):
        given_rows(rows)
    assert len(given_rows(rows, key=["a", "b"])[1]) == 3


def test_a_value_that_does_not_fit_is_refused_with_its_line_and_column() -> None:
    with pytest.raises(UserError, match=r"g\.csv, line 2, column 'area': 'large'"):
        given_rows(of(["a", "area"], ["x", "large"]), parse_columns("area (number, km2)"))


def test_more_columns_than_a_contract_may_have_are_refused() -> None:
    asked = parse_columns("; ".join(f"c{n}" for n in range(60)))
    with pytest.raises(ContractError, match="60"):
        given_rows(of(["a"], ["x"]), asked)
