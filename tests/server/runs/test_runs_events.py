"""The stream of a run: replayed, taken up anywhere, live without a gap, and ended."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from runs_client import Gate, Runs, Sse, is_event, knowing, runs_api
from served import TOKEN

from openswarm.core.events import Content, ModelReplied, RunStarted, Tick
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal
from openswarm.journal.lines import EVENTS_FILE
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio
SOON_S = 20.0


def events_in(home: Path, run_id: str) -> list[bytes]:
    """The lines of a journal."""
    return (home / "runs" / run_id / EVENTS_FILE).read_bytes().splitlines()


async def all_of(api: Runs, run_id: str, last: str | None = None) -> list[Sse]:
    """A whole stream."""
    return [event async for event in api.follow(run_id, last)]


def seqs(events: Iterable[Sse]) -> list[int]:
    """The numbers of the journal's events in a stream."""
    return [int(event.id) for event in events if event.name == "message"]


@pytest.mark.requirement("api.events")
async def test_a_finished_run_is_replayed_exactly_as_it_is_journalled_and_ends() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        path = f"/api/runs/{run_id}/events"
        async with api.server.client.get(path) as answer:
            assert answer.headers["cache-control"] == "no-store"
            body = await answer.read()
    lines = await anyio.to_thread.run_sync(events_in, api.server.home, run_id)
    frames = [b"id: %d\ndata: %s\n\n" % (seq, line) for seq, line in enumerate(lines, 1)]
    end = b'event: end\ndata: {"outcome":"completed","alive":false}\n\n'
    assert body == b"retry: 1000\n\n" + b"".join(frames) + end


@pytest.mark.requirement("api.last-event-id")
async def test_a_stream_goes_on_after_the_last_event_that_the_client_has() -> None:
    async with runs_api() as api:
        run_id = await api.finished()
        whole = seqs(await all_of(api, run_id))
        assert whole == [*range(1, len(whole) + 1)]
        for last in (1, 2, len(whole) // 2, len(whole) - 1, len(whole)):
            assert seqs(await all_of(api, run_id, str(last))) == whole[last:]
            page = await api.get(f"/api/runs/{run_id}/events.json", after=last, limit=3)
            assert [event["seq"] for event in page["events"]] == whole[last:][:3]
            assert page["complete"] == (last >= len(whole) - 3)
            assert page["last_seq"] == min(last + 3, len(whole))


@pytest.mark.requirement("api.last-event-id")
@pytest.mark.parametrize("last", ["", "x", "-1", "0", "1e3", "١", "99999", "9" * 400, "1.0"])
async def test_what_is_no_number_of_an_event_begins_at_the_start_and_ends(last: str) -> None:
    async with runs_api(knowing(("Chile",))) as api:
        run_id = await api.finished()
        events = await all_of(api, run_id, last)
        assert seqs(events) == [*range(1, len(events))]
        assert events[-1].name == "end"


@pytest.mark.requirement("api.events")
async def test_after_in_the_address_does_what_the_header_does() -> None:
    async with runs_api(knowing(("Chile",))) as api:
        run_id = await api.finished()
        url = f"/api/runs/{run_id}/events"
        async with api.server.client.get(url, params={"after": "5"}) as answer:
            assert (await answer.read()).startswith(b"retry: 1000\n\nid: 6\ndata: ")


@pytest.mark.requirement("api.events")
async def test_a_live_run_streams_what_happens_and_what_agents_write() -> None:
    def work(_: Request) -> Say:
        return Say("A word about the work before the report. " * 10, reasoning="Well.")

    gate = Gate(lambda request: request.agent == "researcher")
    model = knowing(("Chile",), gate, researcher=work)
    async with runs_api(model) as api:
        run_id = await api.start(columns="")
        got: list[Sse] = []
        async for event in api.follow(run_id):
            got.append(event)
            if event.name == "message" and event.data["type"] == "admitted":
                gate.opened.set()
    assert seqs(got) == [*range(1, len(seqs(got)) + 1)]
    assert got[-1] == Sse("end", "", {"outcome": "completed", "alive": False})
    assert all(event.id == "" for event in got if event.name == "tick")


@pytest.mark.requirement("api.events")
async def test_signs_of_life_are_joined_by_agent_and_have_no_number() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(("Chile",), gate)) as api:
        run_id = await api.start()
        await gate.held(1)
        ticks: list[Sse] = []
        async for event in api.follow(run_id):
            if is_event("admitted")(event.data):
                write(api, run_id)
            if event.name == "tick":
                ticks.append(event)
            if len(ticks) == 3:
                gate.opened.set()
    assert ticks == [
        Sse("tick", "", {"agent": "root/1", "kind": "restart", "text": ""}),
        Sse("tick", "", {"agent": "root/1", "kind": "text", "text": "The capital is Santiago."}),
        Sse("tick", "", {"agent": "root", "kind": "progress", "text": " Santiago."}),
    ]


def write(api: Runs, run_id: str) -> None:
    """What an agent writes, piece by piece, as its run would say it to all who watch."""
    (post,) = [post for post in api.server.service.desk._posts if post.run_id == run_id]
    for text in ("No: ", "", "The cap", "ital is", " Santiago."):
        for watcher in post.watchers:
            watcher(Tick("root/1", "text" if text else "restart", text))
            watcher(Tick("root", "progress", text))


def run_of(home: Path, run_id: str) -> FolderJournal:
    """A run that this test writes."""
    journal = FolderJournal.create(home / "runs" / run_id)
    started = RunStarted(task=Task(text="x"), model="m", subagent_model="m", openswarm="0")
    journal.append(started)
    return journal


@dataclass(slots=True)
class Busy:
    """A run whose journal grows by a thousand events a second, and clients that follow it."""

    api: Runs
    journal: FolderJournal
    total: int
    got: dict[str, list[int]] = field(default_factory=dict)

    async def write(self) -> None:
        """Writes all of it."""
        for number in range(2, self.total + 1):
            text = Content(text="x" * 400)
            self.journal.append(ModelReplied(agent=f"root/{number % 300}", model="m", text=text))
            if number % 100 == 0:
                await self.journal.commit()
                await anyio.sleep(0.1)
        await self.journal.commit()
        await anyio.to_thread.run_sync(self.journal.close)

    async def stay(self) -> None:
        """Follows from the beginning to the end."""
        self.got["stays"] = seqs(await all_of(self.api, "busy"))

    async def come_back(self) -> None:
        """Loses the connection again and again."""
        have = self.got["comes back"] = []
        while not have or have[-1] < self.total:
            async with aclosing(self.api.follow("busy", str(have[-1]) if have else None)) as events:
                async for event in events:
                    have += seqs([event])
                    if len(have) % 333 == 0:
                        break

    async def read_slowly(self) -> None:
        """Is behind from the beginning."""
        have = self.got["slow"] = []
        async for event in self.api.follow("busy"):
            have += seqs([event])
            if len(have) % 500 == 0:
                await anyio.sleep(0.3)


@pytest.mark.requirement("api.events", "api.last-event-id")
@pytest.mark.slow
async def test_there_is_no_gap_while_a_thousand_events_a_second_are_written() -> None:
    async with runs_api() as api:
        journal = await anyio.to_thread.run_sync(run_of, api.server.home, "busy")
        busy = Busy(api, journal, total=3000)
        with anyio.fail_after(SOON_S):
            async with anyio.create_task_group() as tasks:
                for work in (busy.write, busy.stay, busy.come_back, busy.read_slowly):
                    tasks.start_soon(work)
    every = [*range(1, 3001)]
    assert busy.got == {"stays": every, "comes back": every, "slow": every}


@pytest.mark.requirement("api.events")
async def test_a_line_that_is_being_written_is_sent_when_it_is_whole() -> None:
    async with runs_api() as api:
        journal = await anyio.to_thread.run_sync(run_of, api.server.home, "torn")
        await journal.commit()
        event = ModelReplied(seq=2, run="torn", model="m", text=Content(text="ü" * 90))
        data = event.model_dump_json().encode() + b"\n"
        file = anyio.Path(api.server.home) / "runs" / "torn" / EVENTS_FILE
        got: list[int] = []
        async for event in api.follow("torn"):
            got += seqs([event])
            if got == [1]:
                await append(file, data[:70])
                await append(file, data[70:])
            if got == [1, 2]:
                await anyio.to_thread.run_sync(journal.close)
        assert got == [1, 2]


async def append(file: anyio.Path, data: bytes) -> None:
    """Writes at the end of a file."""
    async with await file.open("ab") as writing:
        await writing.write(data)


@pytest.mark.requirement("api.events")
async def test_the_run_of_one_server_is_followed_live_from_another_one() -> None:
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate)) as first, runs_api() as second:
        run_id = await first.start()
        seen = await second.snapshot(run_id)
        assert (seen["alive"], seen["here"]) == (True, False)
        got: list[Sse] = []
        async for event in second.follow(run_id):
            got.append(event)
            if event.name == "message" and event.data["type"] == "admitted":
                gate.opened.set()
        assert seqs(got) == [*range(1, len(got))]
        assert got[-1].data == {"outcome": "completed", "alive": False}
        assert seqs(await all_of(first, run_id)) == seqs(got)


@pytest.mark.requirement("api.events")
async def test_a_quiet_stream_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openswarm.server.runs.events.PING_S", 0.1)
    gate = Gate(lambda request: request.agent == "researcher")
    async with runs_api(knowing(wait=gate)) as api:
        run_id = await api.start()
        async with api.server.client.get(f"/api/runs/{run_id}/events") as answer:
            with anyio.fail_after(SOON_S):
                while b": alive\n\n" not in await answer.content.readuntil(b"\n\n"):
                    pass
        gate.opened.set()
        await api.over(run_id)


@pytest.mark.requirement("api.guard")
async def test_a_stream_needs_the_token_as_well() -> None:
    async with runs_api(knowing(("Chile",))) as api:
        run_id = await api.finished()
        path, key = f"/api/runs/{run_id}/events", {"authorization": "", "x-api-key": TOKEN}
        async with api.server.client.get(path, headers={"authorization": "Bearer no"}) as answer:
            assert answer.status == 401
        async with api.server.client.get(path, headers=key) as answer:
            assert answer.status == 200
