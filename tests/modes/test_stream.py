"""Following a run event by event, to its end or until one has seen enough."""

from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import anyio
import pytest

import openswarm
from openswarm.core.errors import Fault, ModelError, UserError
from openswarm.core.events import Answered, RunStarted, TaskAssigned, Tick
from openswarm.journal.folder import is_alive
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import FULL, batch, calls, scripted, written

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("modes.stream")]


def model() -> ScriptedModel:
    """A swarm of two."""
    return scripted([calls(batch(["Chile", "Peru"])), Say("Done.")], researcher=[Say(FULL)])


async def test_a_stream_yields_every_event_in_order_and_ends(home: Path) -> None:
    seen = [event async for event in openswarm.stream("Do it.", model=model(), mode="swarm")]
    events = [event for event in seen if not isinstance(event, Tick)]
    (folder,) = (home / "runs").iterdir()
    assert events == await written(folder)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], Answered)
    assert any(isinstance(entry, Tick) for entry in seen)
    assert not is_alive(folder)


async def test_events_come_while_the_run_is_at_work() -> None:
    seen_assignment = anyio.Event()

    async def wait(request: Request) -> None:
        if request.agent == "researcher":
            await seen_assignment.wait()

    slow = model()
    slow.wait = wait
    with anyio.fail_after(5):
        async for event in openswarm.stream("Do it.", model=slow, mode="swarm"):
            if isinstance(event, TaskAssigned) and event.agent == "root/2":
                seen_assignment.set()
    assert seen_assignment.is_set()


def hanging() -> ScriptedModel:
    """A swarm whose sub-agents get no reply."""

    async def wait(request: Request) -> None:
        if request.agent == "researcher":
            await anyio.sleep_forever()

    hangs = model()
    hangs.wait = wait
    return hangs


async def leave_early(*, closing: bool) -> None:
    """Follows a run until its sub-agents are assigned."""
    events = openswarm.stream("Do it.", model=hanging(), mode="swarm")
    async with AsyncExitStack() as stack:
        if closing:
            await stack.enter_async_context(aclosing(events))
        async for event in events:
            if isinstance(event, TaskAssigned) and event.agent == "root/2":
                return


@pytest.mark.parametrize("closing", [True, False])
async def test_leaving_a_stream_ends_its_run_which_can_be_resumed(
    home: Path, closing: bool
) -> None:
    with anyio.fail_after(5):
        await leave_early(closing=closing)
        (folder,) = (home / "runs").iterdir()
        while is_alive(folder):
            await anyio.lowlevel.checkpoint()
        result = await openswarm.resume(folder.name, model=model())
    assert (result.outcome, result.answer) == ("completed", "Done.")
    assert result.stats.sub_agents == 2


async def test_who_leaves_a_stream_is_not_disturbed_afterwards() -> None:
    with anyio.fail_after(5):
        await leave_early(closing=False)
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        result = await openswarm.run("Do it.", model=model(), mode="swarm")
    assert result.outcome == "completed"


async def test_an_error_of_the_run_is_raised_as_itself() -> None:
    with pytest.raises(UserError, match="the task is empty"):
        async for _ in openswarm.stream(" ", model=model()):
            pass
    broken = ScriptedModel({"*": lambda _: Say(error=ModelError(Fault.AUTH, "wrong key"))})
    with pytest.raises(ModelError, match="wrong key"):
        async for _ in openswarm.stream("Do it.", model=broken):
            pass


async def test_an_error_of_who_follows_is_raised_as_itself() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with aclosing(openswarm.stream("Do it.", model=model(), mode="swarm")) as events:
            async for _ in events:
                raise ValueError("mine")


async def test_two_streams_may_be_followed_in_turn() -> None:
    streams = [openswarm.stream("Do it.", model=model(), mode="swarm") for _ in range(2)]
    seen: list[list[str]] = [[], []]
    ended: set[int] = set()
    with anyio.fail_after(5):
        while len(ended) < 2:
            for number, events in enumerate(streams):
                event = await anext(events, None)
                if event is None:
                    ended.add(number)
                elif not isinstance(event, Tick):
                    seen[number].append(event.type)
    assert seen[0][-1] == seen[1][-1] == "answered"
    assert sorted(seen[0]) == sorted(seen[1])


async def test_who_is_far_behind_gets_every_event_but_not_every_sign_of_life(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openswarm.modes.run.TICKS_BEHIND", 3)
    events = openswarm.stream("Do it.", model=model(), mode="swarm")
    first = await anext(events)
    with anyio.fail_after(5):
        while is_alive(home / "runs" / first.run):
            await anyio.lowlevel.checkpoint()
        seen = [first, *[event async for event in events]]
    written_down = [event for event in seen if not isinstance(event, Tick)]
    assert [event.seq for event in written_down] == list(range(1, len(written_down) + 1))
    assert written_down[-1].type == "answered"
    assert not [event for event in seen if isinstance(event, Tick)]
