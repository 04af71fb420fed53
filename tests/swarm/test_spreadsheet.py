"""Tables as XLSX workbooks, opened again with openpyxl."""

import datetime
import io
import zipfile
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from openswarm.core.columns import parse_columns
from openswarm.core.contract import COLUMN_TYPES, Contract, make_contract
from openswarm.core.table import Cell, Conflict, Row, Table
from openswarm.swarm.evidence import Source
from openswarm.swarm.spreadsheet import BY_HAND, MAX_OTHERS, UNSURE, WIDEST, workbook
from openswarm.swarm.values import guarded

TYPED = parse_columns(
    "item; size (number, km2): land and water; founded (date); open (boolean); site (url);"
    " kind (enum, big|small)"
)
EVIL = ("=cmd|' /C calc'!A0", "+SUM(A1)", "@SUM(1)", "#N/A", "\t=1", "\r=1", "-x", "_x003D_1+1")

CHARACTERS = st.characters(exclude_categories=())
STARTS = st.sampled_from(["=", "+", "-", "@", "\t", "\r", "'", " ", "\x00", "_x003D_", "#REF!"])
ANY_TEXT = st.builds(
    "".join,
    st.tuples(st.lists(STARTS, max_size=3).map("".join), st.text(CHARACTERS, max_size=12)),
)


def cell(value: str, **fields: str | int) -> Cell:
    given = {"source": "a.md#1", "quote": f"it is {value}", "agent": "root/1", "state": "filled"}
    return Cell.model_validate({"value": value, **given, **fields})


def rows(contract: Contract, *lines: tuple[str, ...]) -> tuple[Row, ...]:
    return tuple(
        Row(cells=dict(zip(contract.names, map(cell, line), strict=True))) for line in lines
    )


def opened(table: Table, **fields: str) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(table, **fields)))


def one_column(facts: str, *values: str) -> Any:
    contract = parse_columns(f"item; x ({facts})")
    sheet = opened(Table(contract=contract, rows=rows(contract, *((v, v) for v in values))))[
        "table"
    ]
    return [line[1] for line in sheet.iter_rows(min_row=2)]


@pytest.mark.requirement("cli.export")
def test_cells_have_the_types_of_their_columns() -> None:
    table = Table(
        contract=TYPED,
        rows=rows(TYPED, ("a", "19658839.5", "2024-02-29", "yes", "https://a.example/?q=1", "big")),
    )
    _, size, founded, is_open, site, kind = opened(table)["table"][2]
    assert (size.value, size.data_type) == (19658839.5, "n")
    assert founded.value == datetime.datetime(2024, 2, 29)  # noqa: DTZ001
    assert (founded.is_date, founded.number_format) == (True, "yyyy-mm-dd")
    assert is_open.value is True
    assert site.value == site.hyperlink.target == "https://a.example/?q=1"
    assert (kind.value, kind.data_type) == ("big", "s")


@pytest.mark.requirement("cli.export")
@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ("number", "about 5"), ("number", "1234567890123456"), ("number", "1e999"),
        ("number", "=1"), ("date", "2024"), ("date", "2024-02"), ("date", "2024-02-30"),
        ("date", "1900-02-28"), ("date", "20240229"), ("boolean", "perhaps"), ("boolean", "1"),
        ("url", "javascript:alert(1)"), ("url", "see https://a.example"),
        ("enum, big|small", "middling"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_column_stays_text(facts: str, text: str) -> None:
    (found,) = one_column(facts, text)
    assert (found.value, found.data_type, found.hyperlink) == (guarded(text), "s", None)


@pytest.mark.requirement("cli.export")
@given(
    number=st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10
    )
)
@settings(max_examples=30, deadline=None)
def test_numbers_are_written_digit_for_digit(number: Decimal) -> None:
    (found,) = one_column("number", str(number))
    assert found.data_type == "n"
    assert found.value == float(number)


def test_long_whole_numbers_are_shown_in_full() -> None:
    small, large = one_column("number", "1990", "123456789012345")
    assert (small.number_format, large.number_format) == ("General", "0")
    assert (small.value, large.value) == (1990, 123456789012345)


@pytest.mark.requirement("cli.export")
def test_an_enum_offers_its_options_where_the_format_can_hold_them() -> None:
    def offered(*options: str, values: tuple[str, ...] = ("a",)) -> list[tuple[str, str]]:
        columns = [{"name": "item"}, {"name": "kind", "type": "enum", "options": options}]
        contract = make_contract(columns=columns, key=["item"])
        table = Table(contract=contract, rows=rows(contract, *((v, v) for v in values)))
        found = opened(table)["table"].data_validations.dataValidation
        return [(str(choice.sqref), choice.formula1) for choice in found]

    assert offered("big", 'so "small"', values=("a", "b")) == [("B2:B3", '"big,so ""small"""')]
    assert offered("big, bigger", "small") == []
    assert offered("=1+1", "small") == offered("_x003D_1", "small") == []
    assert offered("a" * 130, "b" * 130) == []
    assert offered("big", "small", values=()) == []


@pytest.mark.requirement("cli.export")
def test_headers_tell_the_definition_unit_and_options() -> None:
    sheet = opened(Table(contract=TYPED))["table"]
    assert sheet["B1"].comment.text == "type: number\nunit: km2\ndefinition: land and water"
    assert sheet["F1"].comment.text == "type: enum\noptions: big, small"
    assert sheet["B1"].font.bold
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F1")


def disputed(others: int) -> Table:
    contract = parse_columns("item; size; colour; shape; name")
    kept = cell("5", state="conflict", confidence="low", raw="five", step=2)
    values = {
        "item": Cell(value="a"),
        "size": kept,
        "colour": cell("red", state="unverified"),
        "shape": cell("round", state="locked", source="", quote=""),
        "name": Cell(value="x", state="edited"),
    }
    given = tuple(
        cell(str(n), source=f"{n}.md", quote=f"={n}", agent="root/2") for n in range(others)
    )
    conflict = Conflict(key=("a",), column="size", kept=kept, others=given, rule="majority")
    return Table(contract=contract, rows=(Row(cells=values),), conflicts=(conflict,))


@pytest.mark.requirement("cli.export")
def test_a_comment_has_the_evidence_and_what_was_not_kept() -> None:
    sheet = opened(disputed(1))["table"]
    assert sheet["A2"].comment is None
    assert sheet["B2"].comment.text == (
        "“it is 5”\nsource: a.md#1\nstate: conflict, confidence: low\n"
        "not kept (majority):\n• 0 “=0” (0.md)"
    )
    assert sheet["D2"].comment.text == "state: locked"
    many = opened(disputed(MAX_OTHERS + 2))["table"]["B2"].comment.text
    assert many.endswith("\nand 2 more in the sheet sources")


@pytest.mark.requirement("cli.export")
def test_cells_that_are_not_sure_or_set_by_hand_are_shaded_and_the_shades_explained() -> None:
    book = opened(disputed(1), run_id="r1")
    shades = [c.fill.fgColor.rgb[2:] if c.fill.patternType else "" for c in book["table"][2]]
    assert shades == ["", UNSURE, UNSURE, BY_HAND, BY_HAND]
    about = {line[0].value: line for line in book["about"].iter_rows()}
    assert about["run"][4].value == "r1"
    assert about["conflict"][0].fill.fgColor.rgb[2:] == UNSURE
    assert about["locked"][0].fill.fgColor.rgb[2:] == BY_HAND


@pytest.mark.requirement("cli.export")
def test_the_sheet_about_has_the_contract() -> None:
    lines = list(opened(Table(contract=TYPED))["about"].values)
    assert lines[0] == ("column", "type", "unit", "options", "definition")
    assert lines[2] == ("size", "number", "km2", None, "land and water")
    assert lines[6][3] == "big, small"


@pytest.mark.requirement("cli.export")
def test_the_sheet_of_sources_has_all_evidence_and_what_was_not_kept() -> None:
    sheet = opened(disputed(2))["sources"]
    lines = [["" if v is None else v for v in line] for line in sheet.values]
    assert lines[0] == list(Source._fields)
    assert lines[1] == [
        "a", "size", "5", "five", "conflict", "low", "a.md#1", "it is 5", "root/1", 2, "majority"
    ]  # fmt: skip
    assert lines[2] == [
        "a", "size", "0", "", "conflict (not kept)", "", "0.md", "'=0", "root/2", "", "majority"
    ]  # fmt: skip
    assert [line[1] for line in lines[3:]] == ["size", "colour", "shape", "name"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:K7")


def test_an_answer_has_a_sheet_with_a_wrapped_cell_for_each_line() -> None:
    book = opened(Table(contract=TYPED), answer="Two:\n\n- one\n=2\n")
    assert book.sheetnames == ["table", "answer", "sources", "about"]
    assert [c.value for c in book["answer"]["A"]] == ["Two:", None, "• one", "'=2"]
    assert book["answer"]["A1"].alignment.wrap_text
    assert "answer" not in opened(Table(contract=TYPED), answer=" \n").sheetnames


def test_columns_are_as_wide_as_what_they_hold_and_long_text_is_wrapped() -> None:
    contract = parse_columns("item; x")
    table = Table(contract=contract, rows=rows(contract, ("a" * 20, "b" * 300)))
    sheet = opened(table)["table"]
    assert sheet.column_dimensions["A"].width == 22
    assert sheet.column_dimensions["B"].width == WIDEST
    assert (sheet["A2"].alignment.wrap_text, sheet["B2"].alignment.wrap_text) == (None, True)


def everything(text: str) -> Table:
    """A table with this text wherever text can be; a contract holds Unicode alone."""
    told = "".join(c for c in text if not "\ud800" <= c <= "\udfff")
    name = told.strip()[:70]
    columns: list[dict[str, Any]] = [{"name": f"{name} item".strip()}] + [
        {
            "name": f"{name} {kind}".strip(),
            "type": kind,
            "definition": told,
            "unit": told,
            "options": ["a", f"b{told}"] if kind == "enum" else [],
        }
        for kind in COLUMN_TYPES
    ]
    contract = make_contract(columns=columns, key=[columns[0]["name"]], notes=told)
    kept = cell(text, quote=text, source=text, raw=text, agent=text, state="conflict")
    row = Row(cells=dict.fromkeys(contract.names, kept))
    conflicts = tuple(
        Conflict(key=row.key(contract), column=name, kept=kept, others=(kept,), rule=text)
        for name in contract.names
    )
    return Table(contract=contract, rows=(row,), conflicts=conflicts)


def assert_nothing_is_executed(data: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(data))
    for line in (line for sheet in book for line in sheet.iter_rows()):
        for found in line:
            assert found.data_type in ("s", "n", "d", "b")
            if found.data_type == "s":
                text = unescape(str(found.value))
                assert guarded(text) == text or text.startswith("'"), text
            if found.comment:
                assert not found.comment.text.startswith(("=", "+", "-", "@", "\t", "\n"))
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        written = b"".join(parts.read(name) for name in sheets)
    assert b"<f>" not in written and b't="e"' not in written


@pytest.mark.requirement("cli.formulas")
@pytest.mark.parametrize("text", EVIL)
def test_a_formula_is_text_wherever_it_stands(text: str) -> None:
    data = workbook(everything(text), answer=text, run_id=text)
    assert_nothing_is_executed(data)
    found = openpyxl.load_workbook(io.BytesIO(data))["table"]["B2"]
    assert found.data_type == "s"
    assert unescape(str(found.value)) == guarded(text.replace("\r", "\n"))


@pytest.mark.requirement("cli.formulas")
@given(text=ANY_TEXT)
@settings(deadline=None, max_examples=30)
def test_no_text_makes_a_formula_of_a_workbook_and_all_can_be_read_back(text: str) -> None:
    data = workbook(everything(text), answer=text, run_id=text)
    assert_nothing_is_executed(data)
    value = openpyxl.load_workbook(io.BytesIO(data))["table"]["B2"].value
    shown = unescape("" if value is None else str(value))
    is_guarded = shown.startswith("'") and guarded(shown[1:]) == shown
    held = "".join(c for c in text if c in "\t\n\r" or is_in_xml(c))
    assert (shown[1:] if is_guarded else shown) == held.replace("\r\n", "\n").replace("\r", "\n")


def is_in_xml(character: str) -> bool:
    """Whether XML 1.0 can hold it."""
    code = ord(character)
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def test_text_that_xml_cannot_hold_is_left_out() -> None:
    found = one_column("text", "a\x00b\ud800", "\x1b[31mred")
    assert [c.value for c in found] == ["ab", "[31mred"]
