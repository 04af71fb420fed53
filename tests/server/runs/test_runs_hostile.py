"""Folders of runs that are damaged, or that strangers wrote, harm nobody but themselves."""

import os
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from runs_client import Runs, knowing, runs_api

from openswarm.core.events import Answered, Content, ModelReplied, RunStarted
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio


async def written(api: Runs, name: str, data: bytes) -> anyio.Path:
    """A run folder with this journal."""
    folder = anyio.Path(api.server.home) / "runs" / name
    await folder.mkdir(parents=True)
    await (folder / EVENTS_FILE).write_bytes(data)
    return folder


async def end_of(api: Runs, run_id: str) -> Any:
    """What the stream of a run ends with."""
    return [event async for event in api.follow(run_id)][-1]


@pytest.mark.requirement("api.untrusted-folders", "api.errors")
@pytest.mark.parametrize(
    "line",
    [
        b"not JSON\n",
        b"[]\n",
        b'{"seq":"2"}\n',
        b'{"seq":true}\n',
        b'{"seq":2,\revent: end\rdata: {}\r\r"type":"answered"}\n',
        b'{"seq":2,"type":"no_such_event","v":1}\n',
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_a_damaged_journal_is_said_to_be_damaged_and_its_beginning_shown(line: bytes) -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        path = anyio.Path(api.server.home) / "runs" / run_id / EVENTS_FILE
        good = (await path.read_bytes()).splitlines(keepends=True)[:3]
        await written(api, "broken", b"".join(good) + line)
        refused = await api.get("/api/runs/broken", 500)
        assert (refused["error"]["type"], refused["error"]["code"]) == ("journal", "damaged")
        listed = (await api.get("/api/runs"))["runs"]
        assert {run["run_id"]: run["outcome"] for run in listed}["broken"] == "damaged"
        last = await end_of(api, "broken")
        assert (last.name, last.data) == ("end", {"outcome": "damaged", "alive": False})
        async with api.server.client.get("/api/runs/broken/export?format=csv") as answer:
            assert answer.status == 500
        assert (await api.snapshot(run_id))["outcome"] == "completed"
        async with api.server.client.delete("/api/runs/broken") as answer:
            assert answer.status == 204


@pytest.mark.requirement("api.untrusted-folders")
async def test_a_torn_last_line_is_no_damage() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        path = anyio.Path(api.server.home) / "runs" / run_id / EVENTS_FILE
        data = await path.read_bytes()
        await path.write_bytes(data[:-20])
        seen = await api.snapshot(run_id)
        assert (seen["outcome"], seen["as_of_seq"]) == (None, data.count(b"\n") - 1)
        assert (await end_of(api, run_id)).data["outcome"] == "interrupted"


@pytest.mark.requirement("api.untrusted-folders")
async def test_what_only_looks_like_a_journal_is_not_read(tmp_path: Path) -> None:
    async with runs_api() as api:
        await api.finished()
        for name in ("pipe", "link", "folder", "empty"):
            folder = await written(api, name, b"")
            if name != "empty":
                await (folder / EVENTS_FILE).unlink()
        runs = api.server.home / "runs"
        await anyio.to_thread.run_sync(os.mkfifo, runs / "pipe" / EVENTS_FILE)
        await anyio.Path(runs / "link" / EVENTS_FILE).symlink_to("/etc/passwd")
        await anyio.Path(runs / "folder" / EVENTS_FILE).mkdir()
        with anyio.fail_after(10):
            for name in ("pipe", "link", "folder", "empty"):
                await shows_nothing(api, name)


async def shows_nothing(api: Runs, run_id: str) -> None:
    """Nothing of a run that is none is shown, and its stream ends at once."""
    for part in ("", "/transcript", "/export?format=json", "/events.json"):
        async with api.server.client.get(f"/api/runs/{run_id}{part}") as answer:
            body = await answer.text()
            assert answer.status in (200, 404, 500)
            assert "root:" not in body
            assert answer.status != 200 or '"turns":[]' in body or '"events":[]' in body
    assert (await end_of(api, run_id)).name == "end"


def foreign(home: Path, task: Task, model: str = "http://127.0.0.1:9/v1#m") -> None:
    """An interrupted run that another computer may have written, with this task and model."""
    journal = FolderJournal.create(home / "runs" / "foreign")
    journal.append(RunStarted(task=task, model=model, subagent_model=model, openswarm="0"))
    journal.close()


@pytest.mark.requirement("api.untrusted-folders")
@pytest.mark.parametrize(
    "fields",
    [
        {"over": ("/etc",)},
        {"roots": ("/",)},
        {"attachments": ("/etc/passwd",)},
        {"attachments": ("{home}/files/../../../etc/passwd",)},
        {"roots": ("{home}/files",)},
        {"unsafe_no_sandbox": True},
    ],
)
async def test_a_strangers_run_is_not_resumed_where_it_reads_what_no_request_may(
    fields: Any, tmp_path: Path
) -> None:
    async with runs_api(folders=(tmp_path / "docs",)) as api:
        home = api.server.home
        made = {
            name: tuple(path.format(home=home) for path in value) if value is not True else True
            for name, value in fields.items()
        }
        task = Task(text="x", mode="agent", **made)
        await anyio.to_thread.run_sync(foreign, home, task)
        await api.post("/api/runs/foreign/resume", 400)
        events = (await api.get("/api/runs/foreign/events.json"))["events"]
        assert [event["type"] for event in events] == ["run_started"]


@pytest.mark.requirement("api.untrusted-folders")
async def test_a_strangers_run_goes_on_with_a_model_of_this_server() -> None:
    async with runs_api(knowing(agent=[Say("Yes.")])) as api:
        await anyio.to_thread.run_sync(foreign, api.server.home, Task(text="x", mode="agent"))
        assert await api.post("/api/runs/foreign/resume", 202) == {"run_id": "foreign"}
        seen = await api.over("foreign")
        assert (seen["outcome"], seen["answer"]) == ("completed", "Yes.")
        refused = await api.post("/api/runs/foreign/resume", 409)
        assert refused["error"]["code"] == "over"


@pytest.mark.requirement("api.snapshot")
async def test_what_grows_is_read_on_and_what_is_replaced_is_read_anew() -> None:
    async with runs_api() as api:
        home = api.server.home
        await anyio.to_thread.run_sync(foreign, home, Task(text="first"))
        assert (await api.snapshot("foreign"))["as_of_seq"] == 1

        def go_on() -> None:
            journal = FolderJournal.reopen(home / "runs" / "foreign")
            journal.append(ModelReplied(model="m", text=Content(text="so")))
            journal.append(Answered(outcome="partial", text=Content(text="So.")))
            journal.close()

        await anyio.to_thread.run_sync(go_on)
        seen = await api.snapshot("foreign")
        assert (seen["as_of_seq"], seen["answer"], seen["outcome"]) == (3, "So.", "partial")
        async with api.server.client.delete("/api/runs/foreign") as answer:
            assert answer.status == 204
        await anyio.to_thread.run_sync(foreign, home, Task(text="second"))
        seen = await api.snapshot("foreign")
        assert (seen["as_of_seq"], seen["task"]["text"]) == (1, "second")
