"""A run that begins with a table: its empty cells are the work, and what was given stays."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from test_undo import FACTS, Facts, asked_of, asks, edited, knowing, row_of, values

import openswarm
from openswarm import Limits, RunResult, ScriptedModel, operations
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.table import Cell
from openswarm.llm.model import ModelInfo, Request
from openswarm.llm.scripted import Say
from openswarm.swarm.evidence import sources_of
from swarm_scripts import assigned, hand_in, written

pytestmark = pytest.mark.anyio
ROWS = "country,capital,population\nChile,Santiago,19\nPeru,,\n\nLaos,Vientiane,\n"
COLUMNS = "population (number): in millions; river"
ANSWER = Say("Lima is the capital of Peru [[Peru | capital]].")


def filling(facts: Facts = FACTS, answer: Say = ANSWER, **more: Any) -> ScriptedModel:
    """A model the sub-agents of which know some facts, and that writes the answer."""
    model = knowing(facts, writer=[answer], **more)
    scripts = {name: steps for name, steps in model.scripts.items() if name != "orchestrator"}
    return ScriptedModel(scripts, info=model.info)


async def begun(
    folder: Path, model: ScriptedModel, content: str = ROWS, columns: Any = COLUMNS, **options: Any
) -> RunResult:
    """The result of a run that began with a table of this content."""
    path = folder / "rows.csv"
    await anyio.Path(path).write_text(content)
    return await openswarm.run("Fill it.", model=model, table=path, columns=columns, **options)


@pytest.mark.requirement("table.start-from-file", "table.locked")
async def test_only_empty_cells_are_asked_for_and_what_was_given_stays(tmp_path: Path) -> None:
    model = filling()
    result = await begun(tmp_path, model)
    assert asks(model) == {"researcher": 3, "writer": 1}
    assert values(result) == [
        ["Chile", "Santiago", "19", "Loa"],
        ["Peru", "Lima", "34", "Ucayali"],
        ["Laos", "Vientiane", "7", "Mekong"],
    ]
    made = assigned(await written(result.folder))[:3]
    assert [(event.item, event.reason, event.columns) for event in made] == [
        ("Chile", "given", ("river",)),
        ("Peru", "given", ("capital", "population", "river")),
        ("Laos", "given", ("population", "river")),
    ]
    chile, peru, _ = (history[1].text for history in model.requests["researcher"])
    assert chile == (
        "The task as the user gave it, of which you do a part: Fill it.\n\n"
        "Your row: country = Chile. Find river, and nothing else.\n\n"
        "Known of it already; do not look for these again:\n"
        "- capital: Santiago (rows.csv#2)\n- population: 19 (rows.csv#2)"
    )
    assert "Known of it already" not in peru
    states = [[cell.state for cell in row.cells.values()] for row in result.table.rows]
    assert states == [
        ["locked", "locked", "locked", "unverified"],
        ["locked", "unverified", "unverified", "unverified"],
        ["locked", "locked", "unverified", "unverified"],
    ]
    stats = result.stats
    assert (stats.sub_agents, stats.stages, stats.critical_steps, stats.total_steps) == (3, 1, 2, 4)
    assert (result.mode, result.outcome, result.why) == ("swarm", "completed", "")
    assert result.mode_reason == "the table is given, 3 rows: its empty cells are work"


@pytest.mark.requirement("table.start-from-file", "table.citations")
async def test_the_answer_is_written_from_the_table_and_names_its_cells(tmp_path: Path) -> None:
    model = filling({name: FACTS[name] for name in ("Chile", "Laos")})
    result = await begun(tmp_path, model)
    (history,) = model.requests["writer"]
    assert "Use what stands in the table and nothing else" in history[0].text
    assert history[1].text == (
        "The task: Fill it.\n\nThe table has 3 rows:\ncountry | capital | population | river\n"
        "Chile | Santiago | 19 | Loa\nPeru |  |  | \nLaos | Vientiane | 7 | Mekong\n\n"
        "Missing: Peru\n\nWrite the answer."
    )
    assert (result.outcome, result.why) == ("partial", "1 row is missing: Peru")
    assert result.answer == "Lima is the capital of Peru [no cell]."
    whole = await begun(tmp_path, filling())
    assert whole.answer == "Lima is the capital of Peru [c1]."
    (citation,) = whole.citations
    assert (citation.row, citation.column, citation.cell.value) == ("Peru", "capital", "Lima")


@pytest.mark.requirement("swarm.provenance", "table.start-from-file")
async def test_the_source_of_what_was_given_is_the_file_and_its_line(tmp_path: Path) -> None:
    result = await begun(tmp_path, filling())
    given = {"agent": "user", "confidence": "high", "state": "locked"}
    cells = result.table.rows[2].cells
    assert cells["capital"] == Cell(
        value="Vientiane", raw="Vientiane", source="rows.csv#5", quote="", **given
    )
    assert cells["population"].agent == "root/3"
    sources = [(s.key, s.column, s.source, s.state) for s in sources_of(result.table)]
    assert sources[1] == ("Chile", "population", "rows.csv#2", "locked")


@pytest.mark.requirement("table.start-from-file")
@pytest.mark.parametrize(
    ("key", "named", "said"),
    [
        ((), ["Chile", "Peru"], "Your row: country = Chile. Find area"),
        (["CODE"], ["CL", "PE"], "Your row: code = CL. Find area"),
        (["country", "code"], ["Chile / CL", "Peru / PE"], "country = Chile, code = CL. Find area"),
    ],
)
async def test_the_key_is_the_first_column_or_those_that_are_chosen(
    tmp_path: Path, key: Any, named: list[str], said: str
) -> None:
    model = filling(researcher=[hand_in(area="5")])
    content = "country,code\nChile,CL\nPeru,PE\n"
    result = await begun(tmp_path, model, content, "area (number, km2)", key=key)
    contract = result.table.contract
    assert [row.name(contract) for row in result.table.rows] == named
    assert said in model.requests["researcher"][0][1].text
    assert [row.values()["area"] for row in result.table.rows] == ["5", "5"]
    assert result.outcome == "completed"


@pytest.mark.requirement("table.start-from-file", "table.refusals")
@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ("country,population\nChile,many\n", (), "rows.csv, line 2, column 'population': 'many'"),
        ("country,river\nChile,\n,Loa\n", (), "line 3: the key (country) is empty"),
        ("country,river\nChile,\nCHILE,Loa\n", (), "have the same key, 'CHILE'"),
        ("country,river\nChile,\n", ["name"], "no column 'name', which is to be the key"),
        ("country,river\n", (), "rows.csv has no rows"),
    ],
)
async def test_what_cannot_be_a_table_is_refused_before_a_run_is_begun(
    tmp_path: Path, home: Path, content: str, key: Any, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        await begun(tmp_path, ScriptedModel({}), content, key=key)
    assert said in str(caught.value)
    assert not await anyio.Path(home / "runs").exists()


@pytest.mark.requirement("table.start-from-file")
async def test_a_table_without_an_empty_cell_costs_one_reply(tmp_path: Path) -> None:
    model = filling()
    result = await begun(tmp_path, model, "country,capital\nPeru,Lima\n", None)
    assert asks(model) == {"writer": 1}
    assert (values(result), result.outcome) == ([["Peru", "Lima"]], "completed")
    assert (result.stats.sub_agents, result.stats.total_steps) == (0, 1)


@pytest.mark.requirement("table.start-from-file")
async def test_a_sub_agent_that_fails_leaves_its_cells_empty_and_the_run_partial(
    tmp_path: Path,
) -> None:
    result = await begun(tmp_path, filling({name: FACTS[name] for name in ("Chile", "Peru")}))
    assert values(result)[1:] == [["Peru", "Lima", "34", "Ucayali"], ["Laos", "Vientiane", "", ""]]
    assert [failure.agent for failure in result.failures] == ["root/3"]
    assert result.outcome == "partial"
    assert "Laos" in result.why


@pytest.mark.requirement("table.start-from-file")
async def test_an_answer_that_cannot_be_written_leaves_the_table_and_the_run_partial(
    tmp_path: Path,
) -> None:
    gone = Say(error=ModelError(Fault.QUOTA, "no money left"))
    result = await begun(tmp_path, filling(answer=gone))
    assert result.table.rows[1].values()["capital"] == "Lima"
    assert result.answer == "The table has 3 rows."
    assert [failure.kind for failure in result.failures] == ["quota"]
    assert result.outcome == "partial"


@pytest.mark.requirement("table.start-from-file")
async def test_rows_beyond_the_ceiling_of_sub_agents_are_left_and_named(tmp_path: Path) -> None:
    model = filling()
    result = await begun(tmp_path, model, limits=Limits(max_subagents=2))
    assert asks(model)["researcher"] == 2
    assert values(result)[2] == ["Laos", "Vientiane", "", ""]
    assert result.outcome == "partial"
    assert result.why == "3 rows are to be worked on, and 2 sub-agents are allowed"


@pytest.mark.requirement("table.start-from-file")
async def test_a_partial_run_that_goes_on_with_more_sub_agents_gets_an_answer_of_its_own(
    tmp_path: Path,
) -> None:
    first = await begun(tmp_path, filling(), limits=Limits(max_subagents=2))
    model = filling(answer=Say("All three are there."))
    result = await openswarm.resume(first.run_id, model=model, limits=Limits(max_subagents=3))
    assert values(result)[2] == ["Laos", "Vientiane", "7", "Mekong"]
    assert (asks(model), result.outcome) == ({"researcher": 1, "writer": 1}, "completed")
    assert result.answer == "All three are there."


@pytest.mark.requirement("table.start-from-file", "table.complete")
async def test_what_a_sub_agent_failed_to_fill_is_tried_once_more_where_that_is_wished(
    tmp_path: Path,
) -> None:
    def work(request: Request) -> Say:
        tried.append(row_of(request))
        if row_of(request) == "Laos" and tried.count("Laos") == 1:
            return Say(error=ModelError(Fault.REFUSED, "not now"))
        return hand_in(**{name: FACTS[row_of(request)][name] for name in asked_of(request)})

    tried: list[str] = []
    model = filling(researcher=work)
    result = await begun(tmp_path, model, complete=True)
    assert sorted(tried) == ["Chile", "Laos", "Laos", "Peru"]
    assert values(result)[2] == ["Laos", "Vientiane", "7", "Mekong"]
    assert (result.outcome, result.why) == ("completed", "")


@pytest.mark.requirement("table.start-from-file", "swarm.compact")
async def test_a_small_model_fills_and_leaves_the_table_to_speak_for_itself(tmp_path: Path) -> None:
    model = filling(info=ModelInfo(compact=True))
    result = await begun(tmp_path, model)
    assert asks(model) == {"researcher": 3}
    assert (result.answer, result.outcome) == ("The table has 3 rows.", "completed")


@pytest.mark.requirement("table.start-from-file")
async def test_the_document_of_a_row_is_opened_and_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "peru.md").write_text("# Peru\n\nIts capital is Lima.\n\nThe river is the Ucayali.\n")
    model = filling()
    result = await begun(tmp_path, model, "country,capital\nPeru,\n", "river", over=[folder])
    assert "Its capital is Lima." in model.requests["researcher"][0][2].text
    cells = result.table.rows[0].cells
    assert {(cells[name].source, cells[name].state) for name in ("capital", "river")} == {
        ("peru.md#1", "filled")
    }


@pytest.mark.requirement("table.locked", "table.start-from-file")
async def test_what_was_given_changes_only_after_it_is_unlocked(tmp_path: Path) -> None:
    run = await begun(tmp_path, filling())
    facts = {"Chile": {"capital": "Arica", "population": "20", "river": "Maipo"}}
    again = operations.RetryRow(row="Chile")
    result, _ = await edited(run, again, facts=facts)
    assert values(result)[0] == ["Chile", "Santiago", "19", "Maipo"]
    free = operations.Unlock(row="Chile", column="capital")
    result, _ = await edited(run, free, again, facts=facts)
    assert values(result)[0] == ["Chile", "Arica", "19", "Maipo"]
