"""Steer, cancel and kill by another process: requests in the run's folder, carried out at once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

import openswarm
from openswarm.agent.control import Control
from openswarm.core.events import AnyEvent, Cancelled, ModelReplied, Steered, Tick
from openswarm.core.limits import Limits
from openswarm.core.result import RunResult
from openswarm.journal.folder import is_alive
from openswarm.journal.journal import Journal
from openswarm.journal.requests import ControlRequest, send_request
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes import housekeeping
from openswarm.modes.housekeeping import carry_out
from openswarm.tools.approvals import Approvals
from swarm_scripts import (
    COLUMNS,
    FULL,
    batch,
    brief,
    calls,
    hand_in,
    last_told,
    of,
    reports,
    scripted,
    turn,
    written,
)

pytestmark = pytest.mark.anyio
SOON_S = 5.0


class Live:
    """A run at work, spoken to as another process would."""

    def __init__(self, home: Path, model: ScriptedModel, **options: Any) -> None:
        self.home = home
        self.model = model
        self.options = {"mode": "swarm"} | options
        self.seen: list[AnyEvent] = []
        self.result: RunResult | None = None
        self._news = anyio.Event()

    async def run(self) -> None:
        """The whole run."""
        self.result = await openswarm.run(
            "Do it all.", model=self.model, observer=self._note, **self.options
        )

    def _note(self, event: AnyEvent | Tick) -> None:
        if not isinstance(event, Tick):
            self.seen.append(event)
        self._news.set()
        self._news = anyio.Event()

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.home / "runs" / self.seen[0].run

    async def until(self, happened: Callable[[list[AnyEvent]], bool]) -> None:
        """Waits until the events say so."""
        with anyio.fail_after(SOON_S):
            while not happened(self.seen):
                await self._news.wait()

    async def send(self, verb: str, agent: str = "root", text: str = "") -> str:
        """Leaves a request; gives its id."""
        return await anyio.to_thread.run_sync(
            send_request, self.folder, verb, agent, text, "somebody"
        )

    async def ask(self, verb: str, agent: str = "root", text: str = "") -> str:
        """Leaves a request, and waits for the event that answers it."""
        request = await self.send(verb, agent, text)
        await self.until(lambda seen: request in [getattr(e, "request", "") for e in seen])
        return request


@asynccontextmanager
async def at_work(home: Path, model: ScriptedModel, **options: Any) -> AsyncIterator[Live]:
    """A run at work; it has to come to its end soon after the block."""
    live = Live(home, model, **options)
    with anyio.fail_after(2 * SOON_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(live.run)
            yield live


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The requests that were carried out."""
    ids: set[str] = set()

    def note(
        request: ControlRequest, journal: Journal, root: Control, approvals: Approvals | None
    ) -> None:
        carry_out(request, journal, root, approvals)
        ids.add(request.id)
        journal.tick(Tick(agent="root", kind="progress"))

    monkeypatch.setattr(housekeeping, "carry_out", note)
    return ids


class Holding:
    """Holds chosen sub-agents back in their first turn, until they are released."""

    def __init__(self, *items: str) -> None:
        self.items = items
        self.held: set[str] = set()
        self.release = anyio.Event()

    async def __call__(self, request: Request) -> None:
        for item in self.items:
            handing_back = "Stop now" in request.history[-1].text
            if item in brief(request) and turn(request) == 0 and not handing_back:
                self.held.add(item)
                await self.release.wait()


def work(request: Request) -> Say:
    """Reports; when stopped before it began, says that it has nothing."""
    if turn(request) == 0 and "Stop now" in request.history[-1].text:
        return Say("Nothing yet.")
    return Say(FULL)


def admitted(count: int) -> Callable[[list[AnyEvent]], bool]:
    """Whether so many sub-agents are at work."""
    return lambda seen: sum(e.type == "admitted" for e in seen) >= count


LEAD = [calls(batch(["Chile", "Peru", "Laos"])), Say("What there is.")]


@pytest.mark.requirement("agent.cancel")
@pytest.mark.requirement("agent.stop-soon")
async def test_a_cancelled_run_hands_back_once_each_and_answers(home: Path) -> None:
    hold = Holding("Peru", "Laos")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model) as live:
        await live.until(lambda seen: sum(e.type == "report_received" for e in seen) == 1)
        await live.ask("cancel")
    result = live.result
    assert (result.outcome, result.why) == ("partial", "cancelled by somebody")
    assert result.answer == "What there is."
    ended = {name: (r.outcome, r.text.text) for name, r in reports(live.seen).items()}
    assert ended == {
        "Chile": ("completed", FULL),
        "Peru": ("partial", "Nothing yet."),
        "Laos": ("partial", "Nothing yet."),
    }
    assert len(of(live.seen, ModelReplied)) == 5
    assert "Missing: Peru (partial: cancelled by somebody)" in last_told(model)[0]


async def test_cancelled_sub_agents_may_still_hand_in_their_rows(home: Path) -> None:
    tools: list[str] = []

    def work(request: Request) -> Say:
        tools.extend(spec.name for spec in request.tools)
        return hand_in(capital="Here", population="1")

    hold = Holding("Chile", "Peru", "Laos")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model, columns=COLUMNS) as live:
        await live.until(admitted(3))
        await live.ask("cancel")
    assert len(live.result.table.rows) == 3
    assert (live.result.outcome, live.result.answer) == ("partial", "What there is.")
    assert set(tools) == {"report"}


@pytest.mark.requirement("agent.kill")
@pytest.mark.requirement("agent.stop-soon")
async def test_a_killed_run_ends_at_once_with_all_that_it_holds(home: Path) -> None:
    @openswarm.tool
    async def dig() -> str:
        """Never comes back."""
        await anyio.sleep_forever()
        return ""

    def work(request: Request) -> Say:
        return calls(("dig", {})) if "Chile" in brief(request) else Say(FULL)

    model = scripted(LEAD[:1], wait=Holding("Peru"), researcher=work)
    async with at_work(home, model, tools=[dig]) as live:
        await live.until(lambda seen: any(e.type == "report_received" for e in seen))
        await live.ask("kill")
    result = live.result
    assert (result.outcome, result.why) == ("cancelled", "killed by somebody")
    assert result.answer.startswith("No answer was written (killed by somebody)")
    assert not is_alive(live.folder)
    assert (await written(live.folder))[-1].type == "answered"


async def test_a_killed_run_can_be_resumed_and_goes_on_where_it_was(home: Path) -> None:
    model = scripted(LEAD, wait=Holding("Peru", "Laos"), researcher=work)
    async with at_work(home, model) as live:
        await live.until(lambda seen: any(e.type == "report_received" for e in seen))
        await live.ask("kill")
    second = scripted(LEAD, researcher=work)
    result = await openswarm.resume(live.result.run_id, model=second)
    assert (result.outcome, result.answer) == ("completed", "What there is.")
    assert result.stats.sub_agents == 3
    assert len(second.requests["researcher"]) == 2
    assert len(second.requests["orchestrator"]) == 1


@pytest.mark.requirement("agent.kill")
async def test_one_sub_agent_that_is_killed_leaves_its_siblings(home: Path) -> None:
    hold = Holding("Peru", "Laos")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model) as live:
        await live.until(admitted(3))
        request = await live.ask("kill", "root/2")
        await live.until(lambda seen: "Peru" in reports(seen))
        hold.release.set()
    ended = reports(live.seen)
    assert (ended["Peru"].outcome, ended["Peru"].why) == ("cancelled", "killed by somebody")
    assert {ended[name].outcome for name in ("Chile", "Laos")} == {"completed"}
    assert (live.result.outcome, live.result.answer) == ("completed", "What there is.")
    (event,) = of(live.seen, Cancelled)
    assert (event.agent, event.verb, event.by, event.request) == (
        "root/2", "kill", "somebody", request
    )  # fmt: skip


@pytest.mark.requirement("agent.cancel")
async def test_one_sub_agent_that_is_cancelled_hands_back_and_leaves_its_siblings(
    home: Path,
) -> None:
    hold = Holding("Peru", "Laos")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model) as live:
        await live.until(admitted(3))
        await live.ask("cancel", "root/2")
        await live.until(lambda seen: "Peru" in reports(seen))
        hold.release.set()
    ended = reports(live.seen)
    assert (ended["Peru"].outcome, ended["Peru"].text.text) == ("partial", "Nothing yet.")
    assert ended["Laos"].outcome == "completed"
    assert live.result.outcome == "completed"


@pytest.mark.parametrize("verb", ["cancel", "kill"])
async def test_a_sub_agent_that_waits_for_its_place_can_be_stopped(home: Path, verb: str) -> None:
    hold = Holding("Chile")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model, limits=Limits(max_parallel=1)) as live:
        await live.until(admitted(1))
        await live.ask(verb, "root/2")
        await live.until(lambda seen: "Peru" in reports(seen))
        assert list(reports(live.seen)) == ["Peru"]
        hold.release.set()
    ended = reports(live.seen)
    assert (ended["Peru"].outcome, ended["Peru"].steps) == ("cancelled", 0)
    assert "by somebody" in ended["Peru"].why
    assert {ended[name].outcome for name in ("Chile", "Laos")} == {"completed"}
    assert all("Peru" not in str(messages[1]) for messages in model.requests["researcher"])


@pytest.mark.requirement("agent.steer")
async def test_words_for_a_sub_agent_reach_its_next_turn_and_nobody_else(
    home: Path, heard: set[str]
) -> None:
    called, go_on = anyio.Event(), anyio.Event()

    @openswarm.tool
    async def look() -> str:
        """Looks."""
        called.set()
        await go_on.wait()
        return "seen"

    def work(request: Request) -> Say:
        if "Peru" in brief(request) and turn(request) == 0:
            return calls(("look", {}))
        return Say(FULL)

    model = scripted(LEAD, researcher=work)
    async with at_work(home, model, tools=[look]) as live:
        await called.wait()
        request = await live.send("steer", "root/2", "Use 2024.")
        await live.until(lambda _: request in heard)
        go_on.set()
    (event,) = of(live.seen, Steered)
    assert (event.agent, event.text, event.by, event.request) == (
        "root/2", "Use 2024.", "somebody", request
    )  # fmt: skip
    heard = [m for m in model.requests["researcher"] if "Use 2024." in str(m)]
    assert len(heard) == 1
    assert (heard[0][-1].role, heard[0][-1].text) == ("user", "Use 2024.")


@pytest.mark.requirement("agent.steer")
async def test_words_that_come_while_the_last_reply_is_written_are_heard_all_the_same(
    home: Path, heard: set[str]
) -> None:
    hold = Holding("Do it all")
    model = scripted([Say("All of it."), Say("All but the territories.")], wait=hold)
    async with at_work(home, model) as live:
        await live.until(lambda seen: any(e.type == "task_assigned" for e in seen))
        request = await live.send("steer", "root", "Leave out the territories.")
        await live.until(lambda _: request in heard)
        hold.release.set()
    assert live.result.answer == "All but the territories."
    assert model.requests["orchestrator"][1][-1].text == "Leave out the territories."


async def test_a_request_for_nobody_or_that_is_none_changes_nothing(home: Path) -> None:
    hold = Holding("Peru")
    model = scripted(LEAD, wait=hold, researcher=work)
    async with at_work(home, model) as live:
        await live.until(admitted(3))
        with (live.folder / "requests.jsonl").open("ab") as file:
            file.write(b'{"verb": "explode"}\nnot json\n\xff\xfe\n')
        await live.send("kill", "root/99")
        await live.ask("cancel", "root/2")
    assert live.result.outcome == "completed"
    assert len(of(live.seen, Cancelled)) == 1


async def test_requests_of_an_earlier_process_are_not_carried_out_again(
    home: Path, heard: set[str]
) -> None:
    model = scripted(LEAD, wait=Holding("Chile"), researcher=work)
    async with at_work(home, model) as live:
        await live.until(admitted(3))
        first = await live.ask("kill")
    requests: list[str] = []

    async def ask_and_wait(_: Request) -> None:
        if not requests:
            requests.append(await live.send("steer", "root", "Go on."))
            with anyio.fail_after(SOON_S):
                while requests[0] not in heard:
                    await anyio.lowlevel.checkpoint()

    second = scripted(LEAD, wait=ask_and_wait, researcher=work)
    heard.clear()
    result = await openswarm.resume(live.result.run_id, model=second)
    assert result.outcome == "completed"
    assert heard == set(requests)
    assert first not in heard
