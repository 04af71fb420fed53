"""Handing in rows: the report tool is the contract, and every value is looked for in what was read.

The rows are handed in by sub-agents of whole runs, or, where only the check of a cell is meant, by
a call of the tool itself.
"""

import json
from typing import Any

import pytest

from openswarm.core.columns import parse_columns
from openswarm.core.contract import Contract
from openswarm.core.messages import ToolCall
from openswarm.core.table import Cell
from openswarm.llm.scripted import Say
from openswarm.swarm.report import Reporter
from openswarm.tools.documents import Document
from openswarm.tools.tool import ToolResult
from openswarm.tools.toolset import Toolset
from swarm_scripts import COLUMNS, Swarm, assign, batch, calls, hand_in, last_told, scripted

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
CONTRACT = parse_columns(
    "country; capital: the seat of government; population (number); founded (date);"
    " site (url); landlocked (boolean)",
    ["country"],
)
CHILE = Document(
    "chile.md#1",
    "Chile, the land of poets.\nThe seat of government is at Santiago; its capital.\n"
    "The oldest street of Santiago is closed.\n"
    "Population: 19 658 839 (2024 est.)\nFounded on 18 September 1810\n"
    "It is “long – and narrow”.\nThe area is 756,102 km².",
)
PERU = Document("peru.md#1", "The seat of government is at Lima.\nSantiago is a town in Peru too.")


async def hand(
    *rows: dict[str, Any],
    item: str = "Chile",
    contract: Contract = CONTRACT,
    compact: bool = False,
    repairs: int = 0,
) -> ToolResult:
    """What a call of the tool comes to, after two documents were read."""
    reporter = Reporter(
        contract=contract,
        key=(item,) if item else (),
        agent="root/1",
        documents=lambda: [PERU, CHILE],
        compact=compact,
        repairs=repairs,
    )
    arguments = json.dumps(rows[0] if item else {"rows": rows})
    call = ToolCall(id="1", name="report", arguments=arguments)
    tools = Toolset([reporter.tool()])
    (result,) = await tools.run([call], "root/1", lambda _: None, lambda *_: None)
    return result


def row(**cells: Any) -> dict[str, Any]:
    """A whole row, empty but for these cells."""
    return {column.name: "" for column in CONTRACT.asked} | cells


async def cell(name: str, value: Any, source: str = "", quote: str = "") -> Cell:
    """One cell of a row that was taken."""
    given = {"value": value, "source": source, "quote": quote}
    return (await hand(row(**{name: given}))).data[0].cells[name]


@pytest.mark.requirement("swarm.provenance")
async def test_a_cell_carries_value_source_quote_sub_agent_and_state() -> None:
    given = await cell("capital", " San\n tiago", "chile.md#1", "at Santiago; its capital")
    assert given == Cell(
        value="San tiago",
        raw=" San\n tiago",
        confidence="medium",
        source="chile.md#1",
        quote="at Santiago; its capital",
        agent="root/1",
        state="filled",
    )


@pytest.mark.requirement("swarm.quotes")
@pytest.mark.parametrize(
    "quote",
    [
        "THE LAND   of poets",
        "population: 19,658,839",
        "population: 19658839 (2024",
        'it is "long - and narrow"',
        "area is 756102 km²",
    ],
)
async def test_a_quote_holds_whatever_its_case_space_and_marks(quote: str) -> None:
    given = await cell("capital", "x", "chile.md#1", quote)
    assert (given.state, given.quote, given.source) == ("filled", quote, "chile.md#1")


@pytest.mark.requirement("swarm.quotes")
async def test_a_quote_of_another_document_gets_the_source_in_which_it_stands() -> None:
    given = await cell("capital", "Santiago", "peru.md#1", "oldest street of Santiago")
    assert (given.state, given.source) == ("filled", "chile.md#1")


@pytest.mark.requirement("swarm.quotes")
async def test_a_quote_that_stands_nowhere_leaves_its_value_unverified() -> None:
    given = await cell("capital", "Santiago", "chile.md#1", "Santiago was made the capital")
    assert (given.state, given.confidence) == ("unverified", "low")
    assert given.quote == "Santiago was made the capital"


@pytest.mark.requirement("swarm.quotes")
async def test_a_value_without_a_quote_gets_its_evidence_looked_up() -> None:
    given = await cell("population", "19,658,839")
    assert (given.source, given.quote, given.state) == (
        "chile.md#1", "Population: 19 658 839 (2024 est.)", "filled"
    )  # fmt: skip


@pytest.mark.requirement("swarm.quotes")
@pytest.mark.parametrize("quote", ["", "Valparaiso is the capital"])
async def test_a_value_that_stands_nowhere_is_unverified(quote: str) -> None:
    given = await cell("capital", "Valparaiso", "chile.md#1", quote)
    assert (given.value, given.state, given.quote) == ("Valparaiso", "unverified", quote)


@pytest.mark.requirement("swarm.quotes")
async def test_a_part_of_a_word_or_number_is_no_evidence() -> None:
    assert (await cell("capital", "Sant")).state == "unverified"
    assert (await cell("population", "658")).state == "unverified"


async def test_the_number_alone_is_looked_for_where_words_are_around_it() -> None:
    given = await cell("population", "about 19,658,839 people")
    assert (given.state, given.source) == ("filled", "chile.md#1")


@pytest.mark.parametrize("value", ["", None, "null", "N/A", "Unknown", "not found.", " "])
async def test_a_value_that_says_that_there_is_none_is_an_empty_cell(value: Any) -> None:
    assert await cell("population", value) == Cell(agent="root/1")


@pytest.mark.requirement("swarm.rows")
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"population": "many"}, "population: 'many' is not a number"),
        ({"founded": "long ago"}, "founded: 'long ago' is not a date"),
        ({"site": "chile.cl"}, "site: 'chile.cl' is not a url"),
        ({"landlocked": "partly"}, "landlocked: 'partly' is not a boolean"),
    ],
)
async def test_a_value_that_is_not_of_its_type_is_sent_back(cells: dict, said: str) -> None:
    result = await hand(row(**cells), repairs=1)
    assert not result.ok
    assert not result.closing
    assert said in result.text
    assert "Correct it and call report again; leave a value empty if you cannot" in result.text


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("population", 19658839, "19658839"),
        ("population", "19.66 million", "19660000"),
        ("founded", "18 September 1810", "1810-09-18"),
        ("founded", "1.2.24", "2024-02-01"),
        ("site", "HTTPS://Gob.CL/a", "https://gob.cl/a"),
        ("landlocked", False, "no"),
        ("landlocked", "No", "no"),
    ],
)
@pytest.mark.requirement("swarm.normalise")
async def test_a_value_takes_the_form_of_its_type_and_what_was_written_stays(
    name: str, given: Any, value: str
) -> None:
    result = await hand(row(**{name: given}), repairs=1)
    assert result.closing
    cell = result.data[0].cells[name]
    assert (cell.value, cell.raw) == (value, str(given))


@pytest.mark.requirement("swarm.rows")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given | {"currency": "peso"}, "currency: Extra inputs are not permitted"),
        (lambda given: given | {"country": "Chile"}, "country: Extra inputs are not permitted"),
        (lambda given: {k: v for k, v in given.items() if k != "site"}, "site: Field required"),
        (lambda given: {k.upper(): v for k, v in given.items()}, "capital: Field required"),
        (lambda given: given | {"capital": "x" * 401}, "at most 400 characters"),
    ],
)
async def test_wrong_columns_are_refused_with_what_the_columns_are(change: Any, said: str) -> None:
    result = await hand(change(row()))
    assert not result.ok
    assert said in result.text
    assert '"capital"' in result.text


@pytest.mark.requirement("swarm.rows")
async def test_rows_without_an_item_bring_their_own_key_which_cannot_be_empty() -> None:
    rows = [{"country": name, **row(capital="Santiago")} for name in ("Chile", "", "unknown")]
    first = await hand(*rows, item="", repairs=1)
    assert "country: the key of a row cannot be empty" in first.text
    taken = await hand(*rows, item="")
    assert [entry.cells["country"].value for entry in taken.data] == ["Chile"]
    assert "1 rows handed in" in taken.text


async def test_with_a_key_of_two_columns_an_item_hands_in_rows() -> None:
    contract = parse_columns("country; year; capital", ["country", "year"])
    given = [{"country": "Chile", "year": str(y), "capital": "Santiago"} for y in (1900, 2000)]
    reporter = Reporter(contract, (), "root/1", lambda: [CHILE])
    params = reporter.tool().params.model_validate({"rows": given})
    result = await reporter.tool().run(params, None)
    assert [entry.key(contract) for entry in result.data] == [("chile", "1900"), ("chile", "2000")]


async def test_names_of_columns_may_be_anything() -> None:
    contract = parse_columns('country; the "model_dump"; class; c0; größe m²', ["country"])
    given = {'the "model_dump"': "a", "class": "b", "c0": "c", "größe m²": "d"}
    result = await hand(given, contract=contract)
    assert result.data[0].values() == {"country": "Chile", **given}


async def test_a_small_model_is_asked_for_plain_values_and_the_evidence_is_looked_up() -> None:
    result = await hand(row(capital="Santiago", population=None), compact=True)
    assert result.data[0].cells["capital"].source == "chile.md#1"


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"value": "Santiago"}, "Santiago"),
        (["Santiago", "Valparaiso"], "Santiago, Valparaiso"),
        (19, "19"),
        (True, "True"),
    ],
)
async def test_a_value_in_another_shape_is_taken_for_what_it_says(
    given: Any, taken: str, compact: bool
) -> None:
    result = await hand(row(capital=given), compact=compact)
    assert result.data[0].cells["capital"].value == taken


@pytest.mark.parametrize("compact", [False, True])
async def test_a_value_in_a_shape_that_says_nothing_is_refused(compact: bool) -> None:
    result = await hand(row(capital=[{"name": ["Santiago"]}]), compact=compact)
    assert not result.ok
    assert "capital" in result.text


@pytest.mark.requirement("swarm.rows")
async def test_what_does_not_fit_is_repaired_once_and_then_taken_as_it_is() -> None:
    model = scripted(
        [calls(batch(["Chile"])), ANSWER],
        researcher=[
            hand_in(capital="Santiago", population="many"),
            hand_in(capital="Santiago", population="very many"),
        ],
    )
    swarm = Swarm(model, columns=COLUMNS)
    result = await swarm.run()
    assert "population: 'many' is not a number" in last_told(model, "researcher")[0]
    assert result.table.rows[0].values()["population"] == "very many"
    assert swarm.reports()["Chile"].steps == 2


@pytest.mark.requirement("swarm.rows")
async def test_a_report_in_words_is_sent_to_the_tool_once_and_is_then_partial() -> None:
    text = "The capital of Chile is Santiago. " * 10
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say(text), Say(text)])
    swarm = Swarm(model, columns=COLUMNS)
    result = await swarm.run()
    assert "the report tool; it is the only way" in model.requests["researcher"][1][-1].text
    report = swarm.reports()["Chile"]
    assert (report.outcome, report.why) == ("partial", "it handed in no row")
    assert report.text.text == text
    assert result.table.rows == ()


@pytest.mark.requirement("swarm.outcomes")
async def test_a_row_with_nothing_in_it_is_an_empty_outcome_and_a_row_all_the_same() -> None:
    model = scripted(
        [calls(batch(["Chile"])), ANSWER], researcher=[hand_in(capital="n/a", population=None)]
    )
    swarm = Swarm(model, columns=COLUMNS)
    result = await swarm.run()
    report = swarm.reports()["Chile"]
    assert (report.outcome, report.why) == ("empty", "its rows are empty")
    assert [entry.values() for entry in result.table.rows] == [
        {"country": "Chile", "capital": "", "population": ""}
    ]
    assert "Missing: Chile (empty: its rows are empty)" in last_told(model)[0]


async def test_rows_of_several_calls_of_one_reply_are_all_taken() -> None:
    rows = [{"country": name, "capital": "Here", "population": 1} for name in ("Chile", "Peru")]
    both = calls(*(("report", {"rows": [row]}) for row in rows))
    model = scripted([calls(assign("Find the countries.")), ANSWER], researcher=[both])
    result = await Swarm(model, columns=COLUMNS).run()
    assert [row.values()["country"] for row in result.table.rows] == ["Chile", "Peru"]
