"""The cells of a report: which reply brought them, how far they can be relied on, and what a column
asks of them. Everything is handed in by sub-agents of whole runs."""

import json
from typing import Any

import pytest

import openswarm
from openswarm.core.contract import Contract, make_contract
from openswarm.core.result import RunResult
from openswarm.core.table import Cell
from openswarm.llm.model import ModelInfo, Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.tools.documents import Document, fence
from swarm_scripts import Swarm, batch, calls, hand_in, last_told, scripted, turn

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
PAGE = "# Chile\n\nThe seat of government is Santiago.\nIt has 19.6 million people.\nA member now."
MEMBER = {"name": "status", "type": "enum", "options": ("member", "candidate", "non-member")}
UNKNOWN = "Nothing shows that it is Santiago"


@openswarm.tool(read_only=True)
async def read() -> str:
    """Reads the page."""
    return fence(Document("chile.md", PAGE))


def contract(*columns: dict[str, Any], notes: str = "") -> Contract:
    """A contract of countries with these columns."""
    return make_contract(columns=({"name": "country"}, *columns), key=("country",), notes=notes)


def handing_in(*replies: Say, info: ModelInfo = ModelInfo()) -> ScriptedModel:
    """A run of one row, the sub-agent of which reads a page and then says these."""
    lead = [calls(batch(["Chile"])), ANSWER]
    return scripted(lead, info=info, researcher=[calls(("read", {})), *replies])


async def handed(
    columns: Contract | str, *replies: Say, **more: Any
) -> tuple[RunResult, ScriptedModel]:
    """What a run comes to, and its model."""
    model = handing_in(*replies, **more)
    return await Swarm(model, columns=columns, tools=[read]).run(), model


def cell_of(result: RunResult, column: str) -> Cell:
    """A cell of the only row."""
    return result.table.rows[0].cells[column]


@pytest.mark.requirement("table.step")
async def test_a_cell_says_with_which_reply_it_was_reported() -> None:
    columns = "country; capital; people (number); currency"
    wrong = hand_in(capital="Santiago", people="many", currency="")
    right = hand_in(capital="Santiago", people="19.6", currency="")
    result, _ = await handed(columns, right)
    cells = result.table.rows[0].cells
    assert {name: (cell.agent, cell.step) for name, cell in cells.items()} == dict.fromkeys(
        ("country", "capital", "people", "currency"), ("root/1", 2)
    )
    result, _ = await handed(columns, wrong, Say("Let me see."), right)
    assert {cell.step for cell in result.table.rows[0].cells.values()} == {4}


QUOTED = {"source": "chile.md", "quote": "The seat of government is Santiago"}


@pytest.mark.requirement("table.confidence")
@pytest.mark.parametrize(
    ("given", "state", "confidence"),
    [
        ({"value": "Santiago", **QUOTED}, "filled", "high"),
        ({"value": "Santiago", **QUOTED, "confidence": "high"}, "filled", "high"),
        ({"value": "Santiago", **QUOTED, "confidence": "certain"}, "filled", "high"),
        ({"value": "Santiago", **QUOTED, "confidence": " Medium "}, "filled", "medium"),
        ({"value": "Santiago", **QUOTED, "confidence": "LOW"}, "filled", "low"),
        ("Santiago", "filled", "high"),
        ({"value": "Santiago", "confidence": "low"}, "filled", "low"),
        ({"value": "Santiago de Chile", **QUOTED}, "filled", "medium"),
        ({"value": "Santiago de Chile", **QUOTED, "confidence": "high"}, "filled", "medium"),
        ({"value": "Santiago de Chile", **QUOTED, "confidence": "low"}, "filled", "low"),
        ({"value": "Santiago", "quote": UNKNOWN}, "unverified", "low"),
        ({"value": "Santiago", "quote": UNKNOWN, "confidence": "high"}, "unverified", "low"),
        ({"value": "Valparaiso", "confidence": "high"}, "unverified", "low"),
        ({"value": "", "confidence": "high"}, "empty", ""),
        ({"value": "n/a", **QUOTED}, "empty", ""),
    ],
)
async def test_confidence_follows_from_the_evidence_and_a_sub_agent_can_only_lower_it(
    given: Any, state: str, confidence: str
) -> None:
    result, _ = await handed("country; capital", hand_in(capital=given))
    cell = cell_of(result, "capital")
    assert (cell.state, cell.confidence) == (state, confidence)
    key = cell_of(result, "country")
    assert (key.value, key.state, key.confidence) == ("Chile", "filled", "high")


@pytest.mark.requirement("table.confidence")
async def test_a_value_that_does_not_fit_its_column_is_of_low_confidence_though_quoted() -> None:
    given = {"value": "19.6 million people or so, and more", "source": "chile.md"}
    given |= {"quote": "It has 19.6 million people", "confidence": "high"}
    wrong = hand_in(founded=given)
    result, model = await handed("country; founded (date)", wrong, wrong)
    cell = cell_of(result, "founded")
    assert (cell.state, cell.confidence, cell.quote) == (
        "unverified", "low", "It has 19.6 million people"
    )  # fmt: skip
    assert "is not a date; write YYYY-MM-DD" in last_told(model, "researcher")[-1]


@pytest.mark.requirement("table.confidence")
async def test_a_number_is_shown_by_a_quote_that_has_it_as_it_was_handed_in() -> None:
    given = {"value": "19.6 million", "source": "chile.md", "quote": "It has 19.6 million people."}
    result, _ = await handed("country; people (number)", hand_in(people=given))
    cell = cell_of(result, "people")
    assert (cell.value, cell.raw, cell.confidence) == ("19600000", "19.6 million", "high")


@pytest.mark.requirement("table.confidence")
async def test_a_small_model_that_gives_values_alone_gets_the_same_confidence() -> None:
    info = ModelInfo(compact=True)
    replies = [hand_in(capital="Santiago", river="Loa")]
    lead = [calls(batch(["Chile"])), ANSWER]
    model = scripted(lead, info=info, researcher=[calls(("read", {})), *replies])
    result = await Swarm(model, columns="country; capital; river", tools=[read]).run()
    assert [cell_of(result, name).confidence for name in ("capital", "river")] == ["high", "low"]


NOT_SHOWN = "capital: its quote does not stand in what you read; copy the words that show it"


@pytest.mark.requirement("table.column-facts")
@pytest.mark.parametrize(
    ("second", "state", "value"),
    [
        ({"value": "Santiago", **QUOTED}, "filled", "Santiago"),
        ({"value": "Valparaiso", "quote": UNKNOWN}, "unverified", "Valparaiso"),
        ("", "empty", ""),
    ],
)
async def test_a_column_that_needs_a_source_sends_a_value_without_one_back_once(
    second: Any, state: str, value: str
) -> None:
    first = hand_in(capital={"value": "Valparaiso", "quote": UNKNOWN})
    result, model = await handed("country; capital (with source)", first, hand_in(capital=second))
    assert NOT_SHOWN in last_told(model, "researcher")[-1]
    cell = cell_of(result, "capital")
    assert (cell.state, cell.value, cell.step) == (state, value, 3)
    plain, _ = await handed("country; capital", first)
    assert cell_of(plain, "capital").state == "unverified"


@pytest.mark.requirement("table.column-facts")
async def test_a_required_column_that_is_empty_goes_back_once_and_makes_the_run_partial() -> None:
    columns = "country; capital (text, required); river"
    empty, whole = hand_in(capital="", river="Loa"), hand_in(capital="Santiago", river="Loa")
    result, model = await handed(columns, empty, whole)
    said = last_told(model, "researcher")[-1]
    assert "capital: a value is required, if the documents have one" in said
    assert "river" not in said
    assert (result.outcome, cell_of(result, "capital").value) == ("completed", "Santiago")
    result, _ = await handed(columns, empty, empty)
    assert cell_of(result, "river").value == "Loa"
    assert (result.outcome, result.why) == (
        "partial", "1 required cell is empty: Chile: capital"
    )  # fmt: skip


@pytest.mark.requirement("table.column-facts", "table.schema")
@pytest.mark.parametrize(
    ("given", "value"),
    [("MEMBER", "member"), ("non member", "non-member"), ("Non_Member", "non-member"), ("", "")],
)
async def test_a_value_becomes_the_option_that_it_spells_otherwise(given: str, value: str) -> None:
    result, _ = await handed(contract(MEMBER), hand_in(status=given))
    assert cell_of(result, "status").value == value


@pytest.mark.requirement("table.column-facts")
async def test_a_value_that_is_no_option_goes_back_once_and_is_then_kept_unverified() -> None:
    wrong = hand_in(status="observer")
    result, model = await handed(contract(MEMBER), wrong, wrong)
    said = last_told(model, "researcher")[-1]
    assert "status: 'observer' is none of its options" in said
    assert "write one of: member, candidate, non-member" in said
    cell = cell_of(result, "status")
    assert (cell.value, cell.state, cell.confidence) == ("observer", "unverified", "low")


FACTS = contract(
    {"name": "capital", "definition": "the seat of government", "nullable": False},
    {"name": "area", "type": "number", "unit": "km2", "definition": "in all", "example": "756102"},
    MEMBER | {"nullable": False, "needs_source": True, "definition": "in the union"},
    {"name": "size", "type": "enum", "options": ("small", "large")},
    {"name": "coast", "type": "boolean"},
    {"name": "founded", "type": "date", "needs_source": True},
    notes="As of 1 January 2026.",
)
FOUND = {
    "capital": "Santiago", "area": "", "status": {"value": "member", "quote": "A member now"},
    "size": "large", "coast": "yes", "founded": "",
}  # fmt: skip


@pytest.mark.requirement("table.column-facts")
async def test_sub_agents_are_told_every_fact_of_the_contract_word_for_word() -> None:
    _, model = await handed(FACTS, hand_in(**FOUND))
    for agent in ("researcher", "orchestrator"):
        system = model.requests[agent][0][0].text
        assert (
            "The table (fixed; use these names and definitions exactly):\n"
            "- country\n"
            "- capital: the seat of government [required]\n"
            "- area (number, km2): in all (for example: 756102)\n"
            "- status (enum: member | candidate | non-member): in the union [required]"
            " [only with a quote]\n"
            "- size (enum: small | large)\n"
            "- coast (boolean)\n"
            "- founded (date) [only with a quote]\n"
            "Key: country. As of 1 January 2026."
        ) in system


async def form_of(columns: Contract, **more: Any) -> dict[str, Any]:
    """The parameters of the report tool that a sub-agent was offered, references resolved."""
    offered: list[str] = []

    def note(request: Request) -> Say:
        offered.extend(t.parameters for t in request.tools if t.name == "report")
        return calls(("read", {})) if turn(request) == 0 else hand_in(**{
            name: value["value"] if isinstance(value, dict) else value
            for name, value in FOUND.items()
        })  # fmt: skip

    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=note, **more)
    await Swarm(model, columns=columns, tools=[read]).run()
    schema = json.loads(offered[0])
    definitions = schema.get("$defs", {})

    def resolved(value: dict[str, Any]) -> dict[str, Any]:
        name = value.get("$ref", "").rpartition("/")[2]
        return definitions[name] | value if name else value

    schema["properties"] = {name: resolved(v) for name, v in schema["properties"].items()}
    return schema


@pytest.mark.requirement("table.schema")
async def test_the_parameters_of_the_report_are_the_columns_with_their_options() -> None:
    form = await form_of(FACTS)
    cells = form["properties"]
    assert list(cells) == ["capital", "area", "status", "size", "coast", "founded"]
    assert form["required"] == list(cells)
    assert form["additionalProperties"] is False
    assert {name: cell["properties"]["value"].get("enum") for name, cell in cells.items()} == {
        "capital": None,
        "area": None,
        "status": ["member", "candidate", "non-member", ""],
        "size": ["small", "large", ""],
        "coast": ["yes", "no", ""],
        "founded": None,
    }
    assert {name: cell.get("description") for name, cell in cells.items()} == {
        "capital": "the seat of government; required",
        "area": "in all; unit: km2; number",
        "status": "in the union; member or candidate or non-member; required; only with a quote",
        "size": "small or large",
        "coast": "boolean",
        "founded": "date, as YYYY-MM-DD; only with a quote",
    }
    assert list(cells["capital"]["properties"]) == ["value", "source", "quote", "confidence"]
    assert cells["capital"]["properties"]["confidence"]["enum"] == ["high", "medium", "low"]


@pytest.mark.requirement("table.schema")
async def test_a_small_model_gets_the_options_as_plain_values() -> None:
    cells = (await form_of(FACTS, info=ModelInfo(compact=True)))["properties"]
    assert {cell["type"] for cell in cells.values()} == {"string"}
    assert cells["status"]["enum"] == ["member", "candidate", "non-member", ""]
    assert "enum" not in cells["capital"]
