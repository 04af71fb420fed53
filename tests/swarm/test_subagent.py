"""A sub-agent: a context of its own, one report, and what stands before its first turn."""

import json
from pathlib import Path

import pytest

from openswarm.core.events import DocumentsOpened, Nudged
from openswarm.core.limits import Limits
from openswarm.llm.model import ModelInfo, Request, ToolSpec
from openswarm.llm.scripted import Say
from openswarm.tools.tool import tool
from swarm_scripts import (
    COLUMNS,
    FULL,
    Swarm,
    assign,
    assigned,
    batch,
    brief,
    calls,
    declare,
    hand_in,
    last_told,
    of,
    scripted,
    turn,
)

pytestmark = pytest.mark.anyio
ANSWER = Say("Done.")
SHORT = Say("Santiago.")
CHILE = "# Chile\n\nCapital: Santiago\nPopulation: 19,658,839 (2024)\nCurrency: peso\n"
PERU = "# Peru\n\nCapital: Lima\nPopulation: 34,352,719 (2024)\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A corpus of two countries and of something else."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in (("chile.md", CHILE), ("peru.md", PERU), ("notes.txt", "Nothing here.\n")):
        (folder / name).write_text(text)
    return folder


def nudges(swarm: Swarm) -> list[str]:
    """What openswarm itself said to sub-agents."""
    return [event.text for event in of(swarm, Nudged) if event.agent != "root"]


@pytest.mark.requirement("swarm.short-report")
async def test_a_short_report_is_asked_for_once_more() -> None:
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[SHORT, Say(FULL)])
    swarm = Swarm(model)
    await swarm.run()
    assert len(nudges(swarm)) == 1
    assert "Your report is very short" in nudges(swarm)[0]
    assert FULL.strip() in last_told(model)[0]
    assert "Santiago." not in last_told(model)[0]


@pytest.mark.requirement("swarm.short-report")
async def test_a_report_that_stays_short_is_taken() -> None:
    model = scripted([calls(batch(["Chile"])), ANSWER], researcher=[SHORT, Say("It is Santiago.")])
    swarm = Swarm(model)
    await swarm.run()
    assert len(nudges(swarm)) == 1
    report = swarm.reports()["Chile"]
    assert (report.outcome, report.text.text, report.steps) == ("completed", "It is Santiago.", 2)


@pytest.mark.requirement("swarm.short-report")
async def test_a_report_of_200_characters_is_long_enough() -> None:
    swarm = Swarm(scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say("x" * 200)]))
    await swarm.run()
    assert not nudges(swarm)


@pytest.mark.requirement("swarm.outcomes")
async def test_an_empty_report_is_asked_for_once_and_is_then_empty() -> None:
    swarm = Swarm(scripted([calls(batch(["Chile"])), ANSWER], researcher=[Say(""), Say(" \n")]))
    await swarm.run()
    report = swarm.reports()["Chile"]
    assert (report.outcome, report.why) == ("empty", "the model answered nothing")


@pytest.mark.requirement("agent.steps")
async def test_at_its_step_limit_it_hands_back_what_it_has() -> None:
    offered: list[int] = []

    def work(request: Request) -> Say:
        offered.append(len(request.tools))
        if not request.tools:
            return Say("As far as I came.")
        return calls(("look", {"at": turn(request)}))

    @tool
    def look(at: int) -> str:
        """Looks."""
        return f"saw {at}"

    swarm = Swarm(
        scripted([calls(batch(["Chile"])), ANSWER], researcher=work),
        tools=[look],
        limits=Limits(subagent_steps=4),
    )
    await swarm.run()
    report = swarm.reports()["Chile"]
    assert (report.outcome, report.why) == ("partial", "limit of 4 steps")
    assert report.text.text == "As far as I came."
    assert offered == [1, 1, 1, 1, 0]


@pytest.mark.requirement("swarm.contract")
async def test_every_sub_agent_is_given_the_contract_word_for_word() -> None:
    model = scripted(
        [calls(batch(["Chile", "Peru"])), ANSWER],
        researcher=[hand_in(capital="Here", population="1")],
    )
    swarm = Swarm(model, columns=COLUMNS)
    await swarm.run()
    table = (
        "The table (fixed; use these names and definitions exactly):\n- country\n"
        "- capital: the seat of government\n- population (number)\nKey: country."
    )
    for event in assigned(swarm):
        assert table in swarm.journal.read(event.system)
        assert f"Your row: country = {event.item}" in swarm.journal.read(event.brief)
    assert table in model.requests["orchestrator"][0][0].text


@pytest.mark.requirement("swarm.declare")
async def test_a_declared_table_binds_the_sub_agents_of_the_same_turn() -> None:
    model = scripted(
        [calls(batch(["Chile"]), declare("country", "capital", key="country")), ANSWER],
        researcher=[hand_in(capital="Santiago")],
    )
    result = await Swarm(model).run()
    assert "The table is declared" in last_told(model)[1]
    assert result.table.contract.names == ("country", "capital")
    assert [row.values() for row in result.table.rows] == [
        {"country": "Chile", "capital": "Santiago"}
    ]


@pytest.mark.requirement("swarm.declare")
async def test_a_table_cannot_be_declared_twice_or_after_the_first_assignment() -> None:
    table = declare("country", "capital", key="country")
    model = scripted(
        [
            calls(declare("country", "country", key="country")),
            calls(declare("country", key="town")),
            calls(table, declare("town", key="town")),
            calls(batch(["Chile"])),
            calls(declare("town", key="town")),
            ANSWER,
        ],
        researcher=[hand_in(capital="Santiago")],
    )
    result = await Swarm(model).run()
    twice, unknown, first, again, _, late = last_told(model)
    assert "Not declared: column named twice: country" in twice
    assert "Not declared: key town is not a column; the columns are country" in unknown
    assert "is declared; every sub-agent" in first
    assert "declared already and its columns are frozen" in again
    assert "Too late: sub-agents have been assigned without it" in late
    assert result.table.contract.names == ("country", "capital")


@pytest.mark.requirement("swarm.declare")
async def test_with_a_contract_of_the_user_no_table_can_be_declared() -> None:
    offered: list[str] = []

    def lead(request: Request) -> Say:
        offered.extend(spec.name for spec in request.tools)
        if turn(request) == 0:
            return calls(declare("town", key="town"))
        return ANSWER

    model = scripted(lead)
    result = await Swarm(model, columns=COLUMNS).run()
    assert "declare_table" not in offered
    assert "There is no tool 'declare_table'" in last_told(model)[0]
    assert result.table.contract.names == ("country", "capital", "population")


@pytest.mark.requirement("swarm.opened")
async def test_the_document_about_an_item_is_open_before_the_first_turn(files: Path) -> None:
    model = scripted(
        [calls(batch(["Chile", "Peru"])), ANSWER],
        researcher=[hand_in(capital="Here", population="1")],
    )
    swarm = Swarm(model, columns=COLUMNS, over=[files])
    await swarm.run()
    assert {event.sources for event in of(swarm, DocumentsOpened)} == {
        ("chile.md#1",), ("peru.md#1",)
    }  # fmt: skip
    for messages in model.requests["researcher"]:
        assert [m.role for m in messages] == ["system", "user", "user"]
        assert '<document source="' in messages[2].text
        assert ("Capital: Santiago" in messages[2].text) == ("Chile" in messages[1].text)


@pytest.mark.requirement("swarm.opened")
async def test_nothing_is_opened_for_an_item_that_no_document_is_about(files: Path) -> None:
    def work(request: Request) -> Say:
        if "Atlantis" in brief(request):
            return hand_in(capital="", population="")
        return calls(("report", {"rows": []}))

    made = calls(batch(["Atlantis"]), assign("Look at Chile."))
    model = scripted([made, ANSWER], researcher=work)
    swarm = Swarm(model, columns=COLUMNS, over=[files])
    await swarm.run()
    assert not of(swarm, DocumentsOpened)
    assert swarm.reports()["Atlantis"].outcome == "empty"


@pytest.mark.requirement("swarm.opened")
@pytest.mark.parametrize("compact", [True, False])
async def test_a_small_model_is_shown_the_one_document_that_its_brief_names(
    files: Path, compact: bool
) -> None:
    """Others can look for themselves; of several documents none is shown."""
    both = assign("Report on chile.md."), assign("Compare chile.md and peru.md.")
    work = [calls(*both), ANSWER]
    lead = scripted(work)
    model = scripted(
        [], info=ModelInfo(compact=compact), researcher=[calls(("report", {"rows": []}))]
    )
    swarm = Swarm(lead, subagent_model=model, columns=COLUMNS, over=[files])
    await swarm.run()
    assert [event.sources for event in of(swarm, DocumentsOpened)] == [("chile.md#1",)] * compact


@pytest.mark.requirement("corpus.search")
async def test_sub_agents_search_and_open_the_corpus_themselves(files: Path) -> None:
    model = scripted(
        [calls(assign("Which currency has Chile?")), ANSWER],
        researcher=[
            calls(("search", {"queries": ["currency of Chile"]})),
            calls(("open", {"document": "chile.md", "page": 1})),
            Say(FULL),
        ],
    )
    await Swarm(model, over=[files]).run()
    found, opened = last_told(model, "researcher")
    assert "chile.md" in found
    assert "Currency: peso" in opened


@pytest.mark.requirement("swarm.compact")
async def test_a_small_model_leads_with_one_tool_and_its_sub_agents_give_plain_values(
    files: Path,
) -> None:
    asked: list[tuple[str, tuple[ToolSpec, ...], bool]] = []

    def note(say: Say, request: Request) -> Say:
        asked.append((request.agent, request.tools, request.must_call))
        return say

    model = scripted(
        [
            lambda request: note(calls(batch(["Chile"])), request),
            lambda request: note(ANSWER, request),
        ],
        info=ModelInfo(compact=True),
        researcher=[
            lambda request: note(hand_in(capital="Santiago", population="19,658,839"), request)
        ],
    )
    result = await Swarm(model, columns=COLUMNS, over=[files]).run()
    (_, lead_tools, lead_must), (_, tools, must), (_, _, answer_must) = asked
    assert [spec.name for spec in lead_tools] == ["assign_batch"]
    assert [spec.name for spec in tools] == ["report"]
    assert (lead_must, must, answer_must) == (True, True, False)
    cells = json.loads(tools[0].parameters)["properties"]
    assert {name: cell["type"] for name, cell in cells.items()} == {
        "capital": "string", "population": "string"
    }  # fmt: skip
    row = result.table.rows[0].cells
    assert (row["capital"].source, row["capital"].quote) == ("chile.md#1", "Capital: Santiago")
    assert row["population"].quote == "Population: 19,658,839 (2024)"
    assert {cell.state for cell in row.values()} == {"filled"}
