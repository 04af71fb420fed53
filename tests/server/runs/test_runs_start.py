"""Runs are begun, previewed, listed, looked at and removed; what cannot be used begins no run."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from runs_client import ANSWER, Gate, Runs, knowing, runs_api

from openswarm.core.events import AnyEvent
from openswarm.core.limits import Limits
from openswarm.core.settings import Settings
from openswarm.journal.lines import parse_line
from swarm_scripts import COLUMNS, PRICED

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("api.runs", "api.snapshot")
async def test_a_run_is_begun_and_its_snapshot_says_all_of_it() -> None:
    async with runs_api(knowing(info=PRICED)) as api:
        run_id = await api.start(limits={"usd": 50, "max_subagents": 7})
        seen = await api.over(run_id)
        assert (seen["run_id"], seen["alive"], seen["here"]) == (run_id, False, False)
        assert (seen["mode"], seen["outcome"], seen["why"]) == ("swarm", "completed", "")
        assert seen["task"]["text"] == "Find them."
        assert (seen["task"]["limits"]["usd"], seen["task"]["limits"]["max_subagents"]) == (50, 7)
        assert seen["answer"] == "Santiago is the capital of Chile [c1]."
        assert seen["citations"] == [{"number": 1, "row": "Chile", "column": "capital"}]
        assert [row["name"] for row in seen["rows"]] == ["Chile", "Peru", "Laos"]
        assert seen["rows"][1]["cells"]["capital"]["value"] == "Lima"
        assert seen["critical_path"] == ["root/1"]
        assert [agent["path"] for agent in seen["agents"]] == [
            "root", "root/1", "root/2", "root/3",
        ]  # fmt: skip
        assert seen["agents"][1]["tokens"] == {"input": 100, "output": 10, "cached": 0}
        assert seen["stats"]["critical_steps"] == 3
        assert seen["stats"]["cost_usd"] == pytest.approx(0.1)
        events = (await api.get(f"/api/runs/{run_id}/events.json"))["events"]
        assert seen["as_of_seq"] == events[-1]["seq"] == len(events)


@pytest.mark.requirement("api.runs")
async def test_runs_are_listed_newest_first_and_page_by_page() -> None:
    async with runs_api(knowing(("Chile",))) as api:
        ids = [await api.finished() for _ in range(3)]
        every = (await api.get("/api/runs"))["runs"]
        assert {run["run_id"] for run in every} == {*ids}
        assert {run["outcome"] for run in every} == {"completed"}
        first = await api.get("/api/runs", limit=2)
        assert (first["runs"], first["more"]) == (every[:2], True)
        rest = await api.get("/api/runs", limit=2, before=every[1]["run_id"])
        assert (rest["runs"], rest["more"]) == (every[2:], False)


@pytest.mark.requirement("api.runs")
async def test_a_run_at_work_is_alive_and_here_and_is_not_removed() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await api.start()
        seen = await api.snapshot(run_id)
        assert (seen["alive"], seen["here"], seen["outcome"]) == (True, True, None)
        assert (await api.get("/api/runs"))["runs"][0]["outcome"] == "running"
        async with api.server.client.delete(f"/api/runs/{run_id}") as answer:
            assert answer.status == 409
            assert (await answer.json())["error"]["code"] == "alive"
        gate.opened.set()
        assert (await api.over(run_id))["outcome"] == "completed"
        async with api.server.client.delete(f"/api/runs/{run_id}") as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert (await api.get("/api/runs"))["runs"] == []
        refused = await api.get(f"/api/runs/{run_id}", 404)
        assert refused["error"]["code"] == "no_run"


@pytest.mark.requirement("api.snapshot")
async def test_many_who_look_at_a_run_have_its_journal_folded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with runs_api() as api:
        parsed: list[bytes] = []

        def parse(line: bytes, where: str) -> AnyEvent:
            parsed.append(line)
            return parse_line(line, where)

        monkeypatch.setattr("openswarm.server.runs.reading.parse_line", parse)
        run_id = await api.finished()
        seen: list[Any] = []

        async def look() -> None:
            seen.append(await api.snapshot(run_id))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(look)
        assert all(snapshot == seen[0] for snapshot in seen)
        assert (seen[0]["as_of_seq"], seen[0]["alive"]) == (len(parsed), False)
        assert len({*parsed}) == len(parsed)


@pytest.mark.requirement("api.runs")
async def test_info_says_what_the_server_offers(tmp_path: Path) -> None:
    settings = Settings(limits=Limits(max_subagents=12))
    async with runs_api(settings=settings, folders=(tmp_path,)) as api:
        info = await api.get("/api/info")
    assert (info["model"], info["models"]) == ("scripted", ["scripted"])
    assert info["modes"] == ["auto", "instant", "thinking", "agent", "swarm"]
    assert {"web", "python", "fetch"} <= {tool["name"] for tool in info["tools"]}
    assert all(tool["description"] for tool in info["tools"])
    assert info["limits"]["defaults"]["max_subagents"] == 12
    assert info["folders"] == [str(tmp_path)]


@pytest.mark.requirement("api.runs")
async def test_a_preview_says_mode_and_price_and_begins_nothing() -> None:
    settings = Settings(preview_usd=1)
    async with runs_api(knowing(info=PRICED), settings=settings) as api:
        assert (await api.get("/api/info"))["preview_usd"] == 1
        swarm = await api.post("/api/preview", task="Find them.", columns=COLUMNS)
        assert (swarm["mode"], bool(swarm["reason"])) == ("swarm", True)
        chosen = await api.post("/api/preview", task="Say it.", mode="instant")
        assert (chosen["mode"], chosen["width"], chosen["by"]) == ("instant", 0, "user")
        assert chosen["estimate"]["steps"] == 1
        assert 0 < chosen["estimate"]["usd_low"] < chosen["estimate"]["usd"]
        dear = await api.post("/api/preview", task="Say it.", mode="agent")
        assert (chosen["estimate"]["usd"], chosen["ask"]) < (1, True)
        assert (dear["estimate"]["usd"] > 1, dear["ask"]) == (True, True)
        assert (await api.get("/api/runs"))["runs"] == []


@pytest.mark.requirement("api.runs")
async def test_without_a_price_a_preview_has_no_dollars_and_does_not_ask() -> None:
    async with runs_api() as api:
        seen = await api.post("/api/preview", task="Say it.", mode="agent")
        assert (seen["estimate"]["usd"], seen["ask"]) == (None, False)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "task"),
    ({"task": ""}, "task"),
    ({"task": "   "}, "task"),
    ({"task": 7}, "task"),
    ({"task": ["a"]}, "task"),
    ({"task": "x", "mode": "fast"}, "mode"),
    ({"task": "x", "budget": 3}, "budget"),
    ({"task": "x", "limits": {"usd": -1}}, "limits.usd"),
    ({"task": "x", "limits": {"usd": "5"}}, "limits.usd"),
    ({"task": "x", "limits": {"max_subagents": 1001}}, "limits.max_subagents"),
    ({"task": "x", "limits": {"max_agents": 3}}, "limits.max_agents"),
    ({"task": "x", "limits": []}, "limits"),
    ({"task": "x", "model": "http://127.0.0.1:9/v1#m"}, "model"),
    ({"task": "x", "subagent_model": "openai/gpt"}, "subagent_model"),
    ({"task": "x", "tools": ["telepathy"]}, "telepathy"),
    ({"task": "x", "tools": "web"}, "tools"),
    ({"task": "x", "tools": ["web"] * 51}, "tools"),
    ({"task": "x", "policy": {"shell": "perhaps"}}, "policy.shell"),
    ({"task": "x", "columns": "name (nonsense): x"}, "nonsense"),
    ({"task": "x", "columns": "contract.json"}, "columns"),
    ({"task": "x", "columns": "a; a"}, "a"),
    ({"task": "x", "over": ["docs", 3]}, "over[1]"),
    ({"task": "x", "over": [""]}, "over[0]"),
    ({"task": "x", "over": ["/etc"]}, "over[0]"),
    ({"task": "x", "over": ["../elsewhere"]}, "over[0]"),
    ({"task": "x", "over": ["a\0b"]}, "over[0]"),
    ({"task": "x", "over": ["~nobody-of-that-name/x"]}, "over[0]"),
    ({"task": "x", "roots": ["/"]}, "roots[0]"),
    ({"task": "x", "table": "file-000000000000000000000000"}, "table"),
    ({"task": "x", "table": "../../x.csv"}, "table"),
    ({"task": "x", "attachments": ["/etc/passwd"]}, "attachments[0]"),
    ({"task": "x", "attended": "yes"}, "attended"),
    ({"task": "x", "on_conflict": "vote"}, "on_conflict"),
]


@pytest.mark.requirement("api.errors", "api.untrusted-folders")
async def test_what_cannot_be_used_is_named_and_begins_no_run(tmp_path: Path) -> None:
    async with runs_api(folders=(tmp_path,)) as api:
        for body, field in BAD:
            refused = (await api.post("/api/runs", 400, **body))["error"]
            assert field in refused["message"], body
            assert refused["type"] in ("user", "contract"), body
            assert set(refused) == {"message", "type", "code"}
            await api.post("/api/preview", 400, **body)
        assert (await api.get("/api/runs"))["runs"] == []


@pytest.mark.requirement("api.errors")
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"task":' + b"[" * 5000, b"NaN"]
)
async def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    async with runs_api() as api, api.server.client.post("/api/runs", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "user"


@pytest.mark.requirement("api.errors")
async def test_paths_and_methods_that_there_are_not_are_refused_in_the_same_shape() -> None:
    async with runs_api() as api:
        for method, path, status in (
            ("GET", "/api/nothing", 404),
            ("POST", "/api/nothing", 404),
            ("PUT", "/api/runs", 405),
            ("GET", "/api/runs/20260101-000000-abcdef", 404),
            ("GET", "/api/runs/last", 404),
            ("GET", "/api/runs/..%2f..", 404),
            ("GET", "/api/runs/%2e%2e/events", 404),
            ("GET", "/api/runs?limit=0", 400),
            ("GET", "/api/runs?limit=many", 400),
            ("GET", "/api/runs?colour=red", 400),
        ):
            async with api.server.client.request(method, path) as answer:
                refused = json.loads(await answer.read())["error"]
                assert (answer.status, set(refused)) == (status, {"message", "type", "code"}), path


@pytest.mark.requirement("api.untrusted-folders")
async def test_paths_inside_the_folders_of_the_server_are_taken(tmp_path: Path) -> None:
    docs = anyio.Path(tmp_path / "docs")
    await docs.mkdir()
    await (docs / "a.txt").write_text("Santiago is the capital of Chile.")
    async with runs_api(knowing(("Chile",)), folders=(tmp_path,)) as api:
        seen = await api.snapshot(await api.finished(over=["docs"]))
        assert seen["task"]["over"] == [str(docs)]
        await (docs / "out").symlink_to("/etc")
        refused = await api.post("/api/runs", 400, task="x", over=["docs/out"])
        assert "lies outside" in refused["error"]["message"]


@pytest.mark.requirement("api.runs")
async def test_uploaded_files_are_the_table_the_corpus_and_what_is_attached() -> None:
    async with runs_api(knowing(writer=[ANSWER])) as api:
        upload = {"file": b"country,capital\nChile,\n", "purpose": "user_data"}
        ids = [await uploaded(api, name, upload) for name in ("t.csv", "a.txt")]
        seen = await api.snapshot(
            await api.finished(columns="", table=ids[0], attachments=[ids[1]], over=[ids[1]])
        )
        assert [row["name"] for row in seen["rows"]] == ["Chile"]
        assert seen["rows"][0]["cells"]["capital"]["value"] == "Santiago"
        assert seen["task"]["attachments"][0].endswith("a.txt")


async def uploaded(api: Runs, name: str, fields: dict[str, Any]) -> str:
    """The id of a file that was uploaded."""
    form = aiohttp.FormData()
    form.add_field("purpose", fields["purpose"])
    form.add_field("file", fields["file"], filename=name)
    async with api.server.client.post("/v1/files", data=form) as answer:
        assert answer.status == 200, await answer.text()
        return (await answer.json())["id"]


@pytest.mark.requirement("api.limits")
async def test_more_runs_than_may_be_at_work_wait_with_429() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate), max_runs=1) as api:
        run_id = await api.start()
        async with api.server.client.post("/api/runs", json={"task": "x"}) as answer:
            assert answer.status == 429
            assert int(answer.headers["retry-after"]) >= 1
            assert (await answer.json())["error"] == {
                "message": "1 runs are at work here, and that is the most; try again later, or"
                " start the server with a higher --max-runs",
                "type": "budget",
                "code": "max_runs",
            }
        gate.opened.set()
        await api.over(run_id)
        await api.finished()
