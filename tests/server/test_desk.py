"""Runs of a server: so many at once, on their own or inside their request."""

from functools import partial

import anyio
import pytest

from openswarm.core.errors import UserError
from openswarm.core.events import ModelReplied, Tick
from openswarm.core.result import RunResult
from openswarm.journal.fold import fold
from openswarm.journal.journal import Observer
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.modes.run import resume, run
from openswarm.modes.settings import home_folder, runs_folder
from openswarm.server.desk import Desk, Work
from openswarm.server.failures import ApiError
from swarm_scripts import written

pytestmark = pytest.mark.anyio
LIMIT_S = 10


class Held(ScriptedModel):
    """A model that answers when it is let."""

    def __init__(self) -> None:
        super().__init__({"agent": lambda _: Say("Done.")})
        self.asked, self.release = anyio.Event(), anyio.Event()

    async def reply(self, request, on_delta=lambda _: None):
        self.asked.set()
        await self.release.wait()
        return await super().reply(request, on_delta)


def work_with(model: ScriptedModel) -> Work:
    """A run of one agent."""

    async def work(observer: Observer) -> RunResult:
        return await run("Do it.", mode="agent", model=model, observer=observer)

    return work


def folder_of(run_id: str) -> str:
    return str(runs_folder(home_folder()) / run_id)


async def test_a_detached_run_goes_on_after_its_request() -> None:
    model, over = Held(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        desk = Desk(tasks, 2)
        run_id = await desk.detached(work_with(model))
        assert desk.at_work == (run_id,)
        seen: list = []

        def watch(event) -> None:
            seen.append(event)
            if not isinstance(event, Tick) and event.type == "answered":
                over.set()

        with desk.watch(run_id, watch):
            model.release.set()
            with anyio.fail_after(LIMIT_S):
                await over.wait()
    assert any(isinstance(event, ModelReplied) for event in seen)
    assert any(isinstance(event, Tick) and event.text == "Done." for event in seen)
    assert fold(await written(folder_of(run_id))).outcome == "completed"
    assert desk.at_work == ()


async def test_what_keeps_a_run_from_beginning_reaches_who_asked_for_it() -> None:
    async def work(observer: Observer) -> RunResult:
        return await run(" ", model=ScriptedModel({}), observer=observer)

    async with anyio.create_task_group() as tasks:
        desk = Desk(tasks, 1)
        with pytest.raises(UserError, match="the task is empty"):
            await desk.detached(work)
        assert desk.at_work == ()


@pytest.mark.requirement("api.limits")
async def test_there_are_so_many_runs_at_once_and_no_more() -> None:
    model = Held()
    async with anyio.create_task_group() as tasks:
        desk = Desk(tasks, 1)
        await desk.detached(work_with(model))
        for attempt in (desk.detached, partial(desk.attached, observer=lambda _: None)):
            with pytest.raises(ApiError, match="that is the most") as refused:
                await attempt(work_with(model))
            assert refused.value.status == 429
            assert refused.value.headers == {"retry-after": "10"}
        model.release.set()


@pytest.mark.requirement("api.shutdown")
async def test_runs_that_are_stopped_can_be_resumed() -> None:
    model = Held()
    async with anyio.create_task_group() as tasks:
        desk = Desk(tasks, 1)
        run_id = await desk.detached(work_with(model))
        with anyio.fail_after(LIMIT_S):
            await model.asked.wait()
        desk.stop()
    assert fold(await written(folder_of(run_id))).outcome is None
    again = await resume(run_id, model=ScriptedModel({"agent": [Say("After all.")]}))
    assert again.answer == "After all."


async def test_an_attached_run_ends_with_its_request() -> None:
    model, begun = Held(), []
    async with anyio.create_task_group() as tasks:
        desk = Desk(tasks, 1)
        async with anyio.create_task_group() as request:
            request.start_soon(desk.attached, work_with(model), begun.append)
            with anyio.fail_after(LIMIT_S):
                await model.asked.wait()
            request.cancel_scope.cancel()
        assert desk.at_work == ()
    assert fold(await written(folder_of(begun[0].run))).outcome is None
