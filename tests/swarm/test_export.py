"""Tables and answers as files."""

import csv
import json
import os
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Contract, make_contract
from openswarm.core.errors import SettingsError, UserError
from openswarm.core.table import Cell, Conflict, Row, Table
from openswarm.swarm.citations import cited_answer
from openswarm.swarm.evidence import Source, table_object
from openswarm.swarm.export import TABLE_SUFFIXES, check_target, export_answer, export_table
from openswarm.swarm.values import guarded, parse_number, web_address

CONTRACT = parse_columns("country; capital; population (number)")

STARTS = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "\n", "'", " ", "\ufeff", "#N/A", "＝", "\x00"]
)
ANY_TEXT = st.builds(
    "".join,
    st.tuples(
        st.lists(STARTS, max_size=4).map("".join),
        st.text(st.characters(exclude_categories=()), max_size=12),
    ),
)


def is_executed(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV takes the text for a formula."""
    try:
        float(text.replace(",", ""))
    except ValueError:
        return text.strip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n"))
    return False


def taken_off(text: str) -> str:
    """A text without the apostrophe that was put before it."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def cell(value: str, **fields: str | int) -> Cell:
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


KEPT = cell("19658839", raw="19.7 million", state="conflict", confidence="medium", step=3)
TABLE = table(
    row("Chile", cell("Santiago"), cell("19,658,839", state="unverified")),
    row("Peru", cell("Lima", source="peru.md#1"), Cell()),
)


DISPUTED = Table(
    contract=CONTRACT,
    rows=(
        row("Chile", cell("Santiago"), KEPT),
        row("Peru", cell("Lima", state="locked"), cell("", source="", quote="", state="empty")),
    ),
    conflicts=(
        Conflict(
            key=("chile",),
            column="population",
            kept=KEPT,
            others=(cell("18000000", source="old.md#1", agent="root/2"),),
            rule="majority",
        ),
    ),
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


@pytest.mark.requirement("cli.export")
def test_the_sources_of_a_csv_lie_beside_it_where_asked_for(tmp_path: Path) -> None:
    export_table(DISPUTED, tmp_path / "t.csv", sources=True)
    lines = read_csv(tmp_path / "t.sources.csv")
    assert lines[0] == list(Source._fields)
    assert lines[2] == [
        "Chile", "population", "19658839", "19.7 million", "conflict", "medium", "chile.md#2",
        "it is 19658839", "root/1", "3", "majority",
    ]  # fmt: skip
    assert lines[3] == [
        "Chile", "population", "18000000", "", "conflict (not kept)", "", "old.md#1",
        "it is 18000000", "root/2", "", "majority",
    ]  # fmt: skip
    assert len(lines) == 6


@pytest.mark.requirement("cli.formulas")
@pytest.mark.parametrize(
    "text",
    ["=1+1", "+SUM(A1)", "-cmd|x", "@A1", "\tx", "\r=x", " =1", "-", "\ufeff=1", "\x00=1", "＝1",
     "'=1", "' +x", "\u200b@a", "\n=1"],
)  # fmt: skip
def test_what_looks_like_a_formula_becomes_text_in_a_csv(tmp_path: Path, text: str) -> None:
    export_table(table(row("x", cell(text), Cell())), tmp_path / "t.csv")
    assert read_csv(tmp_path / "t.csv")[1][1] == "'" + text


@pytest.mark.parametrize(
    "text",
    ["-5", "+3.25", "-1,234.5", "-2e6", "-12345678901234567890", "'-5", "a=b", "'tis", "#N/A"],
)
def test_a_plain_number_or_text_is_not_guarded(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.requirement("cli.formulas")
@given(values=st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_no_text_makes_a_formula_of_a_csv_and_all_can_be_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    export_table(
        table(*(row(v, cell(v, quote=v, source=v), cell(v)) for v in values)), path, sources=True
    )
    for name in ("t.csv", "t.sources.csv"):
        assert not [v for line in read_csv(path.with_name(name)) for v in line if is_executed(v)]
    found = [taken_off(line[1]) for line in read_csv(path)[1:]]
    assert found == [value.encode("utf-8", "replace").decode() for value in values]


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
        "raw": "",
        "source": "chile.md#2",
        "quote": "it is 19,658,839",
        "agent": "root/1",
        "step": 0,
        "confidence": "",
        "state": "unverified",
    }
    assert (found["run_id"], found["answer"]) == ("r1", "Two.")


@pytest.mark.requirement("cli.export")
def test_json_holds_the_conflicts_and_the_contract_too(tmp_path: Path) -> None:
    export_table(DISPUTED, tmp_path / "t.json")
    found = json.loads((tmp_path / "t.json").read_text())
    assert list(found) == ["columns", "rows", "cells", "citations", "conflicts", "contract"]
    assert Contract.model_validate(found["contract"]) == CONTRACT
    assert [Conflict.model_validate(c) for c in found["conflicts"]] == list(DISPUTED.conflicts)
    assert set(table_object(DISPUTED)) == {"columns", "rows", "cells"}


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


@pytest.mark.requirement("cli.export")
def test_markdown_says_what_is_in_dispute_and_what_was_set_by_hand(tmp_path: Path) -> None:
    export_table(DISPUTED, tmp_path / "t.md")
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert lines[2] == "| Chile | Santiago [1] | 19658839 *(conflict)* [1] |"
    assert lines[3] == "| Peru | Lima *(by hand)* [1] | – |"


def test_markup_in_a_cell_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    evil = cell("a|b <img src=x> ![i](http://e.example) `c`", source="")
    export_table(table(row("x", evil, Cell())), tmp_path / "t.md")
    line = (tmp_path / "t.md").read_text().splitlines()[2]
    assert line == r"| x | a\|b &lt;img src=x> !\[i\](http://e.example) \`c\` | – |"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", "1234.5"), ("−7", "-7"), ("42", "42"), (".5", "0.5"), ("1e3", "1000"),
        ("12345678901234567890.5", "12345678901234567890.5"), ("12 km", None), ("1,23", None),
        ("", None), ("-", None), ("nan", None), ("٣", None),
    ],
)  # fmt: skip
def test_only_what_is_a_number_from_end_to_end_becomes_one(text: str, value: str | None) -> None:
    assert parse_number(text) == (None if value is None else Decimal(value))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.example/x?y=1#z", "https://a.example/x?y=1#z"),
        ("HTTP://localhost:8080", "HTTP://localhost:8080"),
        ("https://a.example/é 1", ""), ("https://a.example/é", "https://a.example/%C3%A9"),
        ("https://a.example/100%", "https://a.example/100%25"),
        ("https://a.example/[x]\ud800", "https://a.example/%5Bx%5D?"),
        ("javascript:alert(1)", ""), ("file:///etc/passwd", ""), ("https://", ""),
        ("https://good.example@evil.example/", ""), ("https://a..b/", ""), ("a.example", ""),
        ("https://a.example:99999/", ""), ("=https://a.example", ""),
        ("https://a.example/" + "é" * 380, ""),
    ],
)  # fmt: skip
def test_only_an_http_address_is_linked_to(text: str, address: str) -> None:
    assert web_address(text) == address


def test_a_table_without_rows_can_be_written_in_every_form(tmp_path: Path) -> None:
    for suffix in TABLE_SUFFIXES:
        path = tmp_path / f"t{suffix}"
        export_table(table(), path)
        assert path.stat().st_size > 0


def test_an_unknown_suffix_names_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.csv, \.json, \.md, \.parquet, \.xlsx"):
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


@pytest.mark.parametrize(
    ("suffix", "package", "extra"),
    [(".xlsx", "openpyxl", "office"), (".parquet", "pyarrow", "parquet")],
)
@pytest.mark.requirement("cli.export")
def test_a_missing_library_is_found_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str, extra: str
) -> None:
    def absent(name: str) -> object:
        return None if name == package else find_spec(name)

    monkeypatch.setattr("openswarm.swarm.parquet.find_spec", absent)
    monkeypatch.setattr("openswarm.swarm.spreadsheet.find_spec", absent)
    with pytest.raises(SettingsError, match=rf"{package}.*openswarm\[{extra}\]"):
        check_target(tmp_path / f"t{suffix}")
    with pytest.raises(SettingsError):
        export_table(TABLE, tmp_path / f"t{suffix}")
    assert not list(tmp_path.glob("t*"))


@pytest.mark.requirement("table.citations")
def test_the_marks_of_an_answer_lead_to_their_cells_in_every_file(tmp_path: Path) -> None:
    table = Table(contract=CITED, rows=(cited_row("Chile", "Santiago"), cited_row("Peru", "Lima")))
    answer = cited_answer("Lima is the capital of Peru.", table)
    for name in ("a.md", "a.json", "a.xlsx"):
        export_table(table, tmp_path / name, answer=answer.text, citations=answer.citations)
    page = (tmp_path / "a.md").read_text("utf-8")
    assert "Lima is the capital of Peru [^c1]." in page
    assert "[^c1]: Peru, capital: Lima. a.md#1. “The capital: Lima”" in page
    found = json.loads((tmp_path / "a.json").read_text("utf-8"))["citations"]
    assert [(c["row"], c["column"], c["cell"]["source"]) for c in found] == [
        ("Peru", "capital", "a.md#1")
    ]
    sheet = load_workbook(tmp_path / "a.xlsx")["answer"]
    (mark,) = [cell for (cell,) in sheet.iter_rows() if cell.hyperlink]
    assert mark.value == "[c1] Peru, capital: Lima — a.md#1 “The capital: Lima”"
    assert mark.hyperlink.location == "'table'!B3"


CITED = parse_columns("country; capital")


def cited_row(country: str, capital: str) -> Row:
    """A row with its evidence."""
    evidence = {"source": "a.md#1", "quote": f"The capital: {capital}", "state": "filled"}
    return Row(
        cells={
            "country": Cell(value=country, state="filled"),
            "capital": Cell(value=capital, **evidence),
        }
    )
