"""Tables in workbooks, JSON and Parquet: their values as text, and what is wrong with them."""

import datetime
import io
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pytest
from grids import grid, of, refused
from pyarrow import parquet

from openswarm.core.columns import parse_columns
from openswarm.core.errors import SettingsError, UserError
from openswarm.core.table import Cell, Row, Table
from openswarm.modes import records as module
from openswarm.modes.given import read_grid
from openswarm.swarm.export import export_table

pytestmark = pytest.mark.requirement("table.start-from-file")

SUFFIXES = (".csv", ".xlsx", ".json", ".parquet")


def sheet_file(path: Path, rows: list[list[Any]], title: str = "Sheet") -> Path:
    """A workbook with one sheet."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


# xlsx


def test_a_workbooks_values_become_text(tmp_path: Path) -> None:
    path = sheet_file(
        tmp_path / "g.xlsx",
        [
            ["name", 2024, "when"],
            ["a", 5, datetime.date(2024, 2, 29)],
            [None, None, None],
            ["b", 5.0, datetime.datetime.fromisoformat("2024-02-29 13:05")],
            ["c", 0.1 + 0.2, datetime.time(13, 5)],
            ["d", 1234567890123, True],
            ["'=e", -1e-7],
        ],
    )
    assert read_grid(path) == of(
        ["name", "2024", "when"],
        ["a", "5", "2024-02-29"],
        ["b", "5", "2024-02-29 13:05:00"],
        ["c", "0.3", "13:05:00"],
        ["d", "1234567890123", "yes"],
        ["=e", "-0.0000001", ""],
        lines=[2, 4, 5, 6, 7],
        name="g.xlsx",
    )


def test_the_sheet_is_the_one_of_the_export_or_the_first(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for number, title in enumerate(("first", "table")):
        sheet = book.create_sheet(title, number)
        sheet.append(["a"])
        sheet.append([title])
    book.save(tmp_path / "g.xlsx")
    assert read_grid(tmp_path / "g.xlsx").rows == [["table"]]
    del book["table"]
    book.save(tmp_path / "g.xlsx")
    assert read_grid(tmp_path / "g.xlsx").rows == [["first"]]


def test_of_a_formula_its_kept_value_is_read(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "g.xlsx", [["a", "b"], ["x", "=1+1"]])
    assert read_grid(path).rows == [["x", ""]]
    with_value(path, "<v></v>", "<v>2</v>")
    assert read_grid(path).rows == [["x", "2"]]
    with_value(path, "<v>2</v>", "<v>#DIV/0!</v>")
    with_value(path, '<c r="B2">', '<c r="B2" t="e">')
    with pytest.raises(UserError, match=r"line 2: a cell holds the error #DIV/0!"):
        read_grid(path)


def with_value(path: Path, old: str, new: str) -> None:
    """Changes what the first sheet says, in its XML."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    text = parts[sheet].decode().replace("<v />", "<v></v>").replace("<v/>", "<v></v>")
    assert old in text
    parts[sheet] = text.replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)


def test_a_workbook_that_claims_a_huge_sheet_is_read_for_what_it_holds(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "g.xlsx", [["a", "b"], ["x", "y"]])
    with_value(path, 'ref="A1:B2"', 'ref="A1:XFD1048576"')
    assert read_grid(path).rows == [["x", "y"]]


def test_what_a_workbook_has_beside_its_values_is_passed_over(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "g.xlsx", [["a", "b"], ["x", "y"]])
    extension = '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" /></extLst>'
    with_value(path, "</worksheet>", f"{extension}</worksheet>")
    assert read_grid(path).rows == [["x", "y"]]


def test_what_is_wrong_in_a_workbook_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.xlsx"
    for rows, said in (
        ([], "there are no column names"),
        ([["a", "b"], ["1", "2", "3"]], "line 2: 3 cells under 2 column names"),
        ([["a", None, "b"], ["1", "2", "3"]], "line 1: column 2 has no name"),
        ([["a"], ["x" * 401]], "line 2, column 'a': longer"),
        ([["a"]], "has no rows"),
    ):
        with pytest.raises(UserError, match=said):
            read_grid(sheet_file(path, rows))
    assert "is not a workbook that can be read" in refused(tmp_path, b"PK\3\4 no", "g.xlsx")
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert "is not a workbook that can be read" in refused(tmp_path, empty.getvalue(), "g.xlsx")
    monkeypatch.setattr(module, "MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(UserError, match=r"g\.xlsx unpacks to more than"):
        read_grid(sheet_file(path, [["a"], ["x"]]))


# json


def test_a_list_of_objects_is_a_table_of_all_their_names(tmp_path: Path) -> None:
    content = '[{"a": "x", "b": 1.50}, {}, {"b": true, "c": null}, {"a": NaN, "c": 1e3}]'
    assert grid(tmp_path, content, "g.json") == of(
        ["a", "b", "c"], ["x", "1.50", ""], ["", "yes", ""], ["", "", "1e3"],
        lines=[1, 3, 4], name="g.json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "has no rows"),
        ("{}", "rows are a list of objects"),
        ("[[1]]", "rows are a list of objects"),
        ('{"rows": [{"a": 1}]}', "columns are a list of names"),
        ('{"columns": ["a"], "rows": [{"a": 1}, {"b": 2}]}', "row 2: 'b' is not in columns"),
        ('[{"a": [1]}]', "row 1, column 'a': a list or object"),
        ('[{"a": 1, "A": 2}]', "g.json: columns 1 and 2 have the same name"),
        ('[{"a": "\\ud800"}]', "row 1, column 'a': half a character"),
        ('[{"a": 1}, {"a": 1]', "line 1, column 19: not JSON"),
        ('[{"a": 1, "a": 2}]', "'a' is there twice"),
    ],
)
def test_what_is_wrong_in_json_is_named_with_its_row(
    tmp_path: Path, content: str, said: str
) -> None:
    assert said in refused(tmp_path, content, "g.json")


# parquet


def test_the_values_of_parquet_become_text(tmp_path: Path) -> None:
    when = datetime.datetime.fromisoformat("2024-02-29")
    table = pyarrow.table(
        {
            "name": pyarrow.array(["a", None, "ä"]).dictionary_encode(),
            "whole": [5.0, None, float("nan")],
            "single": pyarrow.array([0.1, None, float("nan")], pyarrow.float32()),
            "exact": [0.1 + 0.2, 1e16, -0.5],
            "money": [Decimal("1.50"), None, Decimal("2.00")],
            "day": [when.date(), None, None],
            "time": [when, None, when.replace(hour=13)],
            "zone": pyarrow.array([when, None, None], pyarrow.timestamp("ns", "UTC")),
            "yes": [True, False, None],
            "large": [2**60, 0, 1],
        }
    )
    parquet.write_table(table, tmp_path / "g.parquet")
    read = read_grid(tmp_path / "g.parquet")
    assert (read.columns, read.lines) == (table.column_names, [1, 2, 3])
    assert dict(zip(read.columns, zip(*read.rows, strict=True), strict=True)) == {
        "name": ("a", "", "ä"),
        "whole": ("5", "", ""),
        "single": ("0.1", "", ""),
        "exact": ("0.3", "10000000000000000", "-0.5"),
        "money": ("1.50", "", "2.00"),
        "day": ("2024-02-29", "", ""),
        "time": ("2024-02-29", "", "2024-02-29 13:00:00"),
        "zone": ("2024-02-29", "", ""),
        "yes": ("yes", "no", ""),
        "large": ("1152921504606846976", "0", "1"),
    }


def test_what_is_wrong_in_parquet_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.parquet"
    for content in (b"", b"PAR1", b"PAR1" + bytes(50) + b"PAR1"):
        assert "cannot be read" in refused(tmp_path, content, "g.parquet")
    for values in ([[1, 2]], [{"a": 1}], [b"\xff\xfe"]):
        parquet.write_table(pyarrow.table({"a": values}), path)
        with pytest.raises(UserError, match="each column has to hold plain values"):
            read_grid(path)
    parquet.write_table(pyarrow.table({"a": ["x"] * 10_001}), path)
    with pytest.raises(UserError, match="more than 10,000 rows"):
        read_grid(path)
    monkeypatch.setattr(module, "MAX_UNPACKED_BYTES", 10)
    with pytest.raises(UserError, match="unpacks to more"):
        read_grid(path)


@pytest.mark.requirement("house.extras")
def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[parquet\]'"):
        grid(tmp_path, b"PAR1", "g.parquet")
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[office\]'"):
        grid(tmp_path, b"PK", "g.xlsx")
    assert grid(tmp_path, "a\nx\n").rows == [["x"]]


# our own export


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_exported_is_read_as_it_was(tmp_path: Path, suffix: str) -> None:
    contract = parse_columns("name; =sum; size (number); day (date); eu (boolean)")
    values = [
        ["Chile", "=1+1", "19658839", "2024-02-29", "yes"],
        ["a\nb", "@x, \"y\"", "-1.5", "2024-02", "no"],
        ["'tis", "-", "", "", ""],
        ["NA", "none", "0", "", ""],
    ]  # fmt: skip
    rows = tuple(
        Row(cells={n: Cell(value=v) for n, v in zip(contract.names, row, strict=True)})
        for row in values
    )
    export_table(Table(contract=contract, rows=rows), tmp_path / f"t{suffix}")
    read = read_grid(tmp_path / f"t{suffix}")
    assert read.columns == list(contract.names)
    assert read.rows == values
