"""A server ends soon and leaves its runs where they are; what keeps it from listening is said."""

import aiohttp
import anyio
import pytest
from served import TOKEN, serving

from openswarm.core.errors import SettingsError
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.server.serving import listen
from swarm_scripts import FULL, WaitingModel, batch, brief, calls

pytestmark = pytest.mark.anyio
KEY = {"authorization": f"Bearer {TOKEN}"}
COUNTRIES = ("Chile", "Peru", "Laos")


class Slow:
    """A model whose sub-agent for Peru does not answer before it is let."""

    def __init__(self) -> None:
        self.asked, self.release = anyio.Event(), anyio.Event()

    async def wait(self, request: Request) -> None:
        """Holds one sub-agent."""
        if request.agent == "researcher" and "Peru" in brief(request):
            self.asked.set()
            await self.release.wait()

    def model(self) -> ScriptedModel:
        """A swarm of three."""
        scripts = {
            "orchestrator": [calls(batch(COUNTRIES)), Say("All done.")],
            "researcher": lambda _: Say(FULL),
        }
        return WaitingModel(scripts, wait=self.wait)


@pytest.mark.requirement("api.shutdown")
async def test_a_server_that_stops_ends_its_streams_and_leaves_runs_that_go_on_elsewhere() -> None:
    slow, two_reports, ended = Slow(), anyio.Event(), anyio.Event()
    body = bytearray()

    async def follow(url: str) -> None:
        async with aiohttp.ClientSession(headers=KEY) as client, client.get(url) as answer:
            async for chunk in answer.content.iter_any():
                body.extend(chunk)
                if body.count(b'"type":"report_received"') == 2:
                    two_reports.set()
        ended.set()

    async with anyio.create_task_group() as tasks:
        async with serving({}, models={"scripted": slow.model()}) as server:
            task = {"task": "Do it all.", "mode": "swarm"}
            async with server.client.post("/api/runs", json=task) as answer:
                path = f"/api/runs/{(await answer.json())['run_id']}"
            tasks.start_soon(follow, f"{server.url}{path}/events")
            await slow.asked.wait()
            await two_reports.wait()
            left = anyio.current_time()
        assert anyio.current_time() - left < 4
        with anyio.fail_after(1):
            await ended.wait()
    assert body.endswith(b": the server stops; come back\n\n")
    assert b"event: end" not in body
    again = Slow()
    again.release.set()
    model = again.model()
    async with serving({}, models={"scripted": model}) as server:
        async with server.client.get(path) as answer:
            seen = await answer.json()
            assert (seen["alive"], seen["outcome"]) == (False, None)
        async with server.client.post(f"{path}/resume") as answer:
            assert answer.status == 202
        async with server.client.get(f"{path}/events") as answer:
            assert b'event: end\ndata: {"outcome":"completed","alive":false}' in await answer.read()
    assert {name: len(asked) for name, asked in model.requests.items()} == {
        "researcher": 1, "orchestrator": 1,
    }  # fmt: skip


@pytest.mark.requirement("api.shutdown")
async def test_what_is_asked_of_a_server_that_stops_is_refused_with_503() -> None:
    async with serving({}) as server:
        server.service.stopping.set()
        async with server.client.post("/api/runs", json={"task": "x"}) as answer:
            assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True)
            assert (await answer.json())["error"]["code"] == "stopping"


@pytest.mark.requirement("api.shutdown")
async def test_a_bug_in_one_run_ends_that_run_alone() -> None:
    def break_off(_: Request) -> Say:
        raise ZeroDivisionError

    scripts = {"agent": break_off, "instant": [Say("Yes.")]}
    async with serving(scripts) as server:
        for mode, outcome in (("agent", None), ("instant", "completed")):
            async with server.client.post("/api/runs", json={"task": "x", "mode": mode}) as answer:
                run_id = (await answer.json())["run_id"]
            async with server.client.get(f"/api/runs/{run_id}/events") as answer:
                await answer.read()
            async with server.client.get(f"/api/runs/{run_id}") as answer:
                assert (await answer.json())["outcome"] == outcome


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}: .*choose another: --port"):
            listen("127.0.0.1", port)
    with pytest.raises(SettingsError, match="choose another: --port"):
        listen("127.0.0.1", 70_000)
