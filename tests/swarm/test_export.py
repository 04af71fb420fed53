"""Tables and answers as files."""

import csv
import json
import os
from pathlib import Path

import openpyxl
import pytest

from openswarm.core.contract import Contract, make_contract, parse_columns
from openswarm.core.errors import UserError
from openswarm.core.table import Cell, Row, Table
from openswarm.swarm.export import check_target, export_answer, export_table
from openswarm.swarm.values import guarded, parse_number

CONTRACT = parse_columns("country; capital; population (number)")


def cell(value: str, **fields: str) -> Cell:
    given = {
        "source": "chile.md#2",
        "quote": f"it is {value}",
        "agent": "root/1",
        "state": "filled",
    }
    return Cell(value=value, **{**given, **fields})  # type: ignore[arg-type]


def row(country: str, capital: Cell, population: Cell) -> Row:
    return Row(cells={"country": Cell(value=country), "capital": capital, "population": population})


def table(*rows: Row, contract: Contract = CONTRACT) -> Table:
    return Table(contract=contract, rows=rows)


TABLE = table(
    row("Chile", cell("Santiago"), cell("19,658,839", state="unverified")),
    row("Peru", cell("Lima", source="peru.md#1"), Cell()),
)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_csv_is_the_table_alone(tmp_path: Path) -> None:
    export_table(TABLE, tmp_path / "t.csv", answer="Two countries.")
    assert read_csv(tmp_path / "t.csv") == [
        ["country", "capital", "population"],
        ["Chile", "Santiago", "19,658,839"],
        ["Peru", "Lima", ""],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_the_sources_of_a_csv_lie_beside_it_where_asked_for(tmp_path: Path) -> None:
    export_table(TABLE, tmp_path / "t.csv", sources=True)
    lines = read_csv(tmp_path / "t.sources.csv")
    assert lines[0] == ["key", "column", "value", "state", "source", "quote", "agent"]
    assert lines[2][:4] == ["Chile", "population", "19,658,839", "unverified"]
    assert lines[2][4:] == ["chile.md#2", "it is 19,658,839", "root/1"]
    assert len(lines) == 5


@pytest.mark.requirement("cli.formulas")
@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd|x", "@A1", "\tx", "\r=x", " =1", "-"])
def test_what_looks_like_a_formula_becomes_text_in_a_csv_and_a_workbook(
    tmp_path: Path, text: str
) -> None:
    one = table(row("x", cell(text), Cell()))
    export_table(one, tmp_path / "t.csv")
    export_table(one, tmp_path / "t.xlsx")
    assert read_csv(tmp_path / "t.csv")[1][1] == "'" + text
    found = openpyxl.load_workbook(tmp_path / "t.xlsx")["table"]["B2"]
    assert found.data_type == "s"
    assert str(found.value).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+3.25", "-1,234.5", "-2e6", "-12345678901234567890"])
def test_a_plain_number_is_not_guarded(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.requirement("cli.formulas")
def test_a_formula_in_a_column_name_is_guarded_too(tmp_path: Path) -> None:
    contract = make_contract(columns=[{"name": "country"}, {"name": "=A1()"}], key=["country"])
    cells = {"country": Cell(value="x"), "=A1()": Cell()}
    export_table(table(Row(cells=cells), contract=contract), tmp_path / "t.csv")
    assert read_csv(tmp_path / "t.csv")[0][1] == "'=A1()"


def test_json_holds_columns_rows_and_cells(tmp_path: Path) -> None:
    export_table(TABLE, tmp_path / "t.json", answer="Two.", run_id="r1")
    found = json.loads((tmp_path / "t.json").read_text())
    assert found["columns"] == ["country", "capital", "population"]
    assert found["rows"][0] == {
        "country": "Chile", "capital": "Santiago", "population": "19,658,839"
    }  # fmt: skip
    assert found["cells"][0]["population"] == {
        "value": "19,658,839",
        "source": "chile.md#2",
        "quote": "it is 19,658,839",
        "agent": "root/1",
        "state": "unverified",
    }
    assert (found["run_id"], found["answer"]) == ("r1", "Two.")


def test_markdown_numbers_its_sources_and_shows_what_is_not_sure(tmp_path: Path) -> None:
    export_table(TABLE, tmp_path / "t.md", answer="Two countries.", run_id="r1")
    assert (tmp_path / "t.md").read_text() == (
        "Two countries.\n\n"
        "| country | capital | population |\n"
        "| --- | --- | ---: |\n"
        "| Chile | Santiago [1] | 19,658,839 *(unverified)* [1] |\n"
        "| Peru | Lima [2] | – |\n\n"
        "Sources:\n\n1. chile.md#2\n2. peru.md#1\n\n*openswarm run r1*\n"
    )


def test_markup_in_a_cell_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    evil = cell("a|b <img src=x> ![i](http://e.example) `c`", source="")
    export_table(table(row("x", evil, Cell())), tmp_path / "t.md")
    line = (tmp_path / "t.md").read_text().splitlines()[2]
    assert line == r"| x | a\|b &lt;img src=x> !\[i\](http://e.example) \`c\` | – |"


@pytest.mark.requirement("cli.export")
def test_a_workbook_has_typed_numbers_comments_and_a_sheet_of_sources(tmp_path: Path) -> None:
    export_table(TABLE, tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["table", "sources"]
    sheet = book["table"]
    assert [c.value for c in sheet[1]] == ["country", "capital", "population"]
    assert sheet["C2"].value == 19_658_839
    assert sheet.freeze_panes == "A2"
    comment = sheet["B2"].comment
    assert comment is not None and "it is Santiago" in comment.text and "chile.md#2" in comment.text
    assert sheet["C3"].comment is None
    assert sheet.column_dimensions["B"].width >= len("Santiago")
    sources = [[c.value for c in line] for line in book["sources"]]
    assert sources[0] == ["key", "column", "value", "state", "source", "quote", "agent"]
    assert sources[1] == [
        "Chile", "capital", "Santiago", "filled", "chile.md#2", "it is Santiago", "root/1"
    ]  # fmt: skip


def test_text_that_xml_cannot_hold_is_left_out_of_a_workbook(tmp_path: Path) -> None:
    export_table(table(row("a\x00b\ud800", cell("\x1b[31mred"), Cell())), tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["table"]
    assert (sheet["A2"].value, sheet["B2"].value) == ("ab", "[31mred")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5), ("−7", -7), ("42", 42), (".5", 0.5), ("1e3", 1000.0),
        ("12 km", None), ("1,23", None), ("", None), ("-", None), ("1e999", None), ("nan", None),
        ("1234567890123456", None), ("٣", None),
    ],
)  # fmt: skip
def test_only_what_is_a_number_from_end_to_end_becomes_one(text: str, value: float | None) -> None:
    assert parse_number(text) == value


def test_a_table_without_rows_can_be_written_in_every_form(tmp_path: Path) -> None:
    for suffix in (".csv", ".json", ".md", ".xlsx"):
        path = tmp_path / f"t{suffix}"
        export_table(table(), path)
        assert path.stat().st_size > 0


def test_an_unknown_suffix_names_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.csv, \.json, \.md, \.xlsx"):
        export_table(TABLE, tmp_path / "t.pdf")
    with pytest.raises(UserError, match="has no table"):
        export_answer("Yes.", tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_an_answer_alone_goes_to_text_markdown_and_json(tmp_path: Path) -> None:
    for name in ("a.md", "a.txt", "a.json"):
        export_answer("Yes.", tmp_path / name, run_id="r1")
    assert (tmp_path / "a.txt").read_text() == "Yes.\n"
    assert (tmp_path / "a.md").read_text() == "Yes.\n\n*openswarm run r1*\n"
    assert json.loads((tmp_path / "a.json").read_text()) == {"run_id": "r1", "answer": "Yes."}


@pytest.mark.requirement("cli.export")
def test_a_file_is_replaced_whole_or_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="No space left"):
        export_table(TABLE, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["t.csv"]  # noqa: PTH208


def test_a_place_that_cannot_be_written_to_is_found_beforehand(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        check_target(tmp_path / "missing" / "t.csv")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        check_target(tmp_path / "folder.md")
    check_target(tmp_path / "t.csv")
