"""What tests of the runs API share: a client of it, a stream of events, models of a small table."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import anyio
from served import Served, serving

from openswarm.llm.model import ModelInfo, Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import COLUMNS, WaitingModel, at_once, batch, brief, calls, hand_in

TIMEOUT = aiohttp.ClientTimeout(total=20)
FACTS: Mapping[str, Mapping[str, str]] = {
    "Chile": {"capital": "Santiago", "population": "19", "river": "Loa"},
    "Peru": {"capital": "Lima", "population": "34", "river": "Ucayali"},
    "Laos": {"capital": "Vientiane", "population": "7", "river": "Mekong"},
}
ANSWER = Say("Santiago is the capital of Chile.")
Wait = Callable[[Request], Awaitable[None]]


class Sse(NamedTuple):
    """One event of a stream."""

    name: str
    id: str
    data: Any


@dataclass(slots=True)
class Runs:
    """The runs API of a server."""

    server: Served
    comments: list[str] = field(default_factory=list)
    """What streams said beside events: comments and `retry`."""

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """The JSON that a GET answers."""
        async with self.server.client.get(path, params=query) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def post(self, path: str, status: int = 200, **body: Any) -> Any:
        """The JSON that a POST answers."""
        async with self.server.client.post(path, json=body) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def start(self, **body: Any) -> str:
        """Begins a run of three countries, or another one; its id."""
        given = {"task": "Find them.", "mode": "swarm", "columns": COLUMNS} | body
        return (await self.post("/api/runs", 201, **given))["run_id"]

    async def snapshot(self, run_id: str) -> Any:
        """A run as it stands."""
        return await self.get(f"/api/runs/{run_id}")

    async def over(self, run_id: str) -> Any:
        """The snapshot of a run when nobody works on it any more."""
        async for _ in self.follow(run_id):
            pass
        return await self.snapshot(run_id)

    async def finished(self, **body: Any) -> str:
        """The id of a run that is over."""
        run_id = await self.start(**body)
        await self.over(run_id)
        return run_id

    async def follow(self, run_id: str, last: str | None = None) -> AsyncIterator[Sse]:
        """The events of a stream, with its end. Leave it to its end, or close it."""
        headers = {} if last is None else {"last-event-id": last}
        path, data = f"/api/runs/{run_id}/events", b""
        async with self.server.client.get(path, headers=headers, timeout=TIMEOUT) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "text/event-stream"
            async for chunk in answer.content.iter_any():
                *frames, data = (data + chunk).split(b"\n\n")
                for event in filter(None, map(self._event, frames)):
                    yield event
            assert not data

    def _event(self, frame: bytes) -> Sse | None:
        fields: dict[str, str] = {}
        for line in frame.decode().split("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "data" not in fields:
            self.comments.append(frame.decode())
            return None
        return Sse(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))

    async def until(self, run_id: str, happened: Callable[[Any], bool]) -> Any:
        """The first event of a run of which something is true."""
        async with aclosing(self.follow(run_id)) as events:
            async for event in events:
                if event.name == "message" and happened(event.data):
                    return event.data
        raise AssertionError("it never happened")


def knowing(
    rows: tuple[str, ...] = ("Chile", "Peru", "Laos"),
    wait: Wait = at_once,
    info: ModelInfo = ModelInfo(),
    **more: Any,
) -> ScriptedModel:
    """A model that assigns these rows, and whose sub-agents know some facts."""

    def work(request: Request) -> Say:
        (report,) = [spec for spec in request.tools if spec.name == "report"]
        (name,) = [name for name in FACTS if f"country = {name}" in brief(request)]
        asked = json.loads(report.parameters)["properties"]
        return hand_in(**{column: FACTS[name].get(column, "") for column in asked})

    scripts = {"orchestrator": [calls(batch(rows)), ANSWER], "researcher": work}
    return WaitingModel(scripts | more, wait=wait, info=info)


@asynccontextmanager
async def runs_api(model: ScriptedModel | None = None, **options: Any) -> AsyncIterator[Runs]:
    """The runs API of a server with this model."""
    given = {"models": {"scripted": model or knowing()}} | options
    async with serving({}, **given) as server:
        yield Runs(server)


@dataclass(slots=True)
class Gate:
    """Holds the agents that it is told to hold, until it is opened."""

    holds: Callable[[Request], bool]
    opened: anyio.Event = field(default_factory=anyio.Event)
    _waiting: int = 0
    _came: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, request: Request) -> None:
        """Waits, where the request is one of those."""
        if self.holds(request):
            self._waiting += 1
            self._came.set()
            self._came = anyio.Event()
            await self.opened.wait()

    async def held(self, number: int) -> None:
        """Returns when so many wait."""
        with anyio.fail_after(10):
            while self._waiting < number:
                await self._came.wait()


def is_event(kind: str, **fields: Any) -> Callable[[Any], bool]:
    """Whether an event is of a type and has these fields."""
    wanted = {"type": kind, **fields}
    return lambda event: all(event.get(name) == value for name, value in wanted.items())
