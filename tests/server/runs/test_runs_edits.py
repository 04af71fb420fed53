"""A finished run is worked on through the API: edits, their preview, undo, questions."""

from typing import Any

import anyio
import pytest
from runs_client import FACTS, Gate, Runs, knowing, runs_api

from openswarm.llm.scripted import Say
from swarm_scripts import calls

pytestmark = pytest.mark.anyio
RIVER = {"op": "add_column", "column": {"name": "river", "definition": "its longest one"}}


async def edited(api: Runs, run_id: str, *operations: Any, **more: Any) -> Any:
    """The snapshot after an edit."""
    begun = await api.post(f"/api/runs/{run_id}/edits", 202, operations=[*operations], **more)
    assert begun["run_id"] == run_id
    seen = await api.over(run_id)
    assert seen["generations"][-1]["number"] == begun["generation"]
    return seen


def values(seen: Any, column: str) -> dict[str, str]:
    """What stands in a column, by row."""
    return {row["name"]: row["cells"][column]["value"] for row in seen["rows"]}


@pytest.mark.requirement("api.edits")
async def test_a_cell_that_is_set_by_hand_is_locked_and_undone() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        before = await api.snapshot(run_id)
        change = {"op": "set_cell", "row": "Peru", "column": "capital", "value": "Cusco"}
        seen = await edited(api, run_id, change)
        cell = seen["rows"][1]["cells"]["capital"]
        assert (cell["value"], cell["state"]) == ("Cusco", "locked")
        assert seen["generations"] == [
            {
                "number": 1, "wish": "", "undone": False,
                "operations": ["set capital of Peru to Cusco and lock it"],
            }
        ]  # fmt: skip
        undone = await api.post(f"/api/runs/{run_id}/undo")
        assert undone == {"run_id": run_id, "generation": 0}
        after = await api.snapshot(run_id)
        assert (after["rows"], after["generations"][0]["undone"]) == (before["rows"], True)
        refused = await api.post(f"/api/runs/{run_id}/undo", 400)
        assert "no edit to undo" in refused["error"]["message"]


@pytest.mark.requirement("api.edits")
async def test_a_row_is_retried_and_a_column_added_by_sub_agents() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        seen = await edited(api, run_id, {"op": "retry_row", "row": "Chile"}, RIVER)
        assert values(seen, "river") == {name: facts["river"] for name, facts in FACTS.items()}
        worked = [agent["item"] for agent in seen["agents"] if agent["generation"] == 1]
        assert sorted(worked) == ["Chile", "Laos", "Peru"]
        assert seen["outcome"] == "completed"


@pytest.mark.requirement("api.edits")
async def test_an_edit_says_when_it_has_begun_and_is_followed_by_events() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    gate.opened.set()
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await api.finished()
        last = (await api.snapshot(run_id))["as_of_seq"]
        gate.opened = anyio.Event()
        begun = await api.post(f"/api/runs/{run_id}/edits", 202, operations=[RIVER])
        assert begun == {"run_id": run_id, "generation": 1}
        kinds: list[str] = []
        async for event in api.follow(run_id, str(last)):
            kinds.append(event.data.get("type", event.name))
            if kinds.count("admitted") == 1 and kinds[-1] == "admitted":
                for body in ({"operations": [RIVER]}, {"wish": "x"}):
                    refused = await api.post(f"/api/runs/{run_id}/edits", 409, **body)
                    assert refused["error"]["code"] == "alive"
                gate.opened.set()
        assert (kinds[0], kinds[-2:]) == ("generation_started", ["answered", "end"])


def edit_table(*operations: Any) -> Say:
    """A reply that makes operations of a wish."""
    return calls(("edit_table", {"operations": [*operations]}))


@pytest.mark.requirement("api.edits")
async def test_a_wish_is_previewed_and_then_carried_out_without_being_paid_twice() -> None:
    model = knowing(editor=[edit_table(RIVER)])
    async with runs_api(model) as api:
        run_id = await api.finished()
        wish = "Add the longest river."
        shown = await api.post(f"/api/runs/{run_id}/edits/preview", wish=wish)
        assert (shown["cells"], shown["rows"]) == (3, 3)
        assert shown["describe"] == ["add the column river: its longest one"]
        assert shown["changes"] == [
            "add the column river: its longest one: the columns become country, capital,"
            " population, river"
        ]
        assert (await api.snapshot(run_id))["generations"] == []
        begun = await api.post(f"/api/runs/{run_id}/edits", 202, wish=wish)
        assert begun["generation"] == 1
        seen = await api.over(run_id)
        assert seen["generations"][0]["wish"] == wish
        assert values(seen, "river")["Laos"] == "Mekong"
        assert len(model.requests["editor"]) == 1


@pytest.mark.requirement("api.edits")
async def test_operations_are_previewed_without_a_model() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        operations = [{"op": "remove_rows", "rows": ["Peru"]}, {"op": "retry_row", "row": "Laos"}]
        shown = await api.post(f"/api/runs/{run_id}/edits/preview", operations=operations)
        assert (shown["cells"], shown["rows"]) == (2, 1)
        assert shown["changes"] == ["remove the row Peru: 1 row removed"]
        assert [operation["op"] for operation in shown["operations"]] == [
            "remove_rows", "retry_row",
        ]  # fmt: skip


@pytest.mark.requirement("api.edits")
async def test_a_question_is_answered_from_the_run_with_its_cells() -> None:
    model = knowing(asked=[Say("The capital of Peru is Lima.")])
    async with runs_api(model) as api:
        run_id = await api.finished()
        rows = (await api.snapshot(run_id))["rows"]
        answer = await api.post(f"/api/runs/{run_id}/ask", question="What is Peru's capital?")
        assert answer["text"] == "The capital of Peru is Lima [c1]."
        assert answer["citations"] == [{"number": 1, "row": "Peru", "column": "capital"}]
        seen = await api.over(run_id)
        assert (seen["rows"], seen["outcome"]) == (rows, "completed")


@pytest.mark.requirement("api.edits")
@pytest.mark.parametrize(
    ("path", "body"), [("ask", {"question": "x"}), ("edits/preview", {"wish": "x"})]
)
async def test_a_client_that_goes_away_ends_what_is_asked_for_it(path: str, body: Any) -> None:
    gate = Gate(lambda request: request.agent in ("asked", "editor"))
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await api.finished()

        async def ask() -> None:
            await api.post(f"/api/runs/{run_id}/{path}", **body)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await gate.held(1)
            assert (await api.snapshot(run_id))["alive"]
            tasks.cancel_scope.cancel()
        with anyio.fail_after(2):
            assert not (await api.over(run_id))["alive"]


BAD = (
    ({}, "operations"),
    ({"operations": [], "wish": "  "}, "operations"),
    ({"operations": [RIVER], "wish": "x"}, "not both"),
    ({"operations": [{"op": "format_disk"}]}, "operations[0]"),
    ({"operations": [{"op": "retry_row"}]}, "operations[0].retry_row.row"),
    ({"operations": [{"op": "retry_row", "row": "Atlantis"}]}, "Atlantis"),
    ({"operations": [{"op": "drop_column", "column": "price"}]}, "price"),
    ({"operations": [RIVER, RIVER]}, "river"),
    ({"operations": [RIVER], "limits": {"max_subagents": 1}}, "3 rows"),
    ({"operations": RIVER}, "operations"),
    ({"wish": 7}, "wish"),
)


@pytest.mark.requirement("api.edits", "api.errors")
async def test_what_cannot_be_done_is_refused_and_changes_nothing() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        before = await api.snapshot(run_id)
        for body, words in BAD:
            refused = await api.post(f"/api/runs/{run_id}/edits", 400, **body)
            assert words in refused["error"]["message"], body
        for path, body in (("ask", {"question": " "}), ("ask", {}), ("edits/preview", {})):
            await api.post(f"/api/runs/{run_id}/{path}", 400, **body)
        assert await api.snapshot(run_id) == before


@pytest.mark.requirement("api.edits", "api.errors")
async def test_a_run_without_a_table_or_an_answer_is_not_edited() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    model = knowing(("Chile",), gate, instant=[Say("Yes.")])
    async with runs_api(model) as api:
        plain = await api.finished(mode="instant", columns="")
        refused = await api.post(f"/api/runs/{plain}/edits", 400, operations=[RIVER])
        assert "has no table" in refused["error"]["message"]
        run_id = await api.start()
        for path, body in (
            ("edits", {"operations": [RIVER]}), ("undo", {}), ("resume", {}),
            ("ask", {"question": "x"}), ("edits/preview", {"wish": "x"}),
        ):  # fmt: skip
            refused = await api.post(f"/api/runs/{run_id}/{path}", 409, **body)
            assert refused["error"]["code"] == "alive", path
        gate.opened.set()
        await api.over(run_id)
