"""The life of the model's thread: whoever waits for a reply gets one or an error."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.k25 import generation
from openswarm.llm import k25_local
from openswarm.llm.k25_local import K25Model
from openswarm.llm.k25_thread import EngineThread
from openswarm.llm.model import Request

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("model.local-cancel")]


class Failing:
    """An engine whose first step fails."""

    def __init__(self) -> None:
        self.busy = False

    def submit(self, request: object) -> int:
        """It has something to do from here on."""
        self.busy = True
        return 1

    def cancel(self, ticket: int) -> None:
        """Nothing runs."""

    def step(self) -> list[object]:
        """No reply."""
        raise RuntimeError("out of memory")


class OneEngine:
    """Makes one engine; the second one is waited for, and cannot be made."""

    def __init__(self) -> None:
        self.made = False
        self.remaking, self.go_on = threading.Event(), threading.Event()

    def make(self) -> Any:
        """The next engine."""
        if not self.made:
            self.made = True
            return Failing()
        self.remaking.set()
        self.go_on.wait(20)
        raise MemoryError("no room")


def request() -> Request:
    """One turn of four tokens."""
    return Request(History([Message(role="user", content="Go.")]), max_tokens=4)


@pytest.fixture
async def model(k25_folder: Path) -> AsyncIterator[K25Model]:
    """It is closed after the test, and nothing of it is left."""
    made = K25Model.at(k25_folder, spec="local/k25-tiny", parallel=2)
    yield made
    await made.aclose()
    assert not running()


def running() -> list[threading.Thread]:
    """The threads that make replies."""
    return [each for each in threading.enumerate() if each.name == "k25"]


async def test_whoever_waits_while_the_engine_cannot_be_remade_gets_an_error() -> None:
    one = OneEngine()
    thread = EngineThread(one.make)
    failed: list[ModelError] = []

    async def reply() -> None:
        try:
            async for _ in thread.replies(None):  # type: ignore[arg-type]
                pass
        except ModelError as error:
            failed.append(error)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reply)
            await anyio.to_thread.run_sync(one.remaking.wait, 20)
            tasks.start_soon(reply)
            await anyio.wait_all_tasks_blocked()
            one.go_on.set()
        await anyio.to_thread.run_sync(thread.close)
    assert thread.closed
    assert [error.fault for error in failed] == [Fault.BROKEN] * 2
    assert sorted(map(str, failed)) == [
        "the model failed, and cannot be made again: no room",
        "the model failed: out of memory",
    ]
    with pytest.raises(ModelError, match="closed"):
        await anext(thread.replies(None))  # type: ignore[arg-type]


async def test_a_model_whose_thread_died_is_loaded_anew(
    model: K25Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reply fails, the next one is made."""
    await model.reply(request())
    (thread,) = running()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(generation, "sample", broken)
        patch.setattr(generation, "LatentCache", broken)
        with pytest.raises(ModelError, match="out of memory"):
            await model.reply(request())
        await anyio.to_thread.run_sync(thread.join, 20)
    assert (await model.reply(request())).usage.output_tokens == 4
    assert len(running()) == 1


class SlowLoading:
    """Stands before the loading of a model, and lets it through when it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.loads = 0
        self._loaded: Callable[..., Any] = k25_local._loaded
        monkeypatch.setattr(k25_local, "_loaded", self._load)

    async def cancel_a_reply(self, model: K25Model) -> None:
        """Asyncio's own cancelling, which no shield of anyio's holds back."""
        async with anyio.create_task_group() as tasks:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(None) as limit:
                    tasks.start_soon(self._end, limit)
                    await model.reply(request())
        assert not self.loads

    async def _end(self, limit: asyncio.Timeout) -> None:
        await anyio.to_thread.run_sync(self.begun.wait, 20)
        limit.reschedule(0)

    def _load(self, *arguments: Any) -> Any:
        self.begun.set()
        self.go_on.wait(20)
        self.loads += 1
        return self._loaded(*arguments)


async def test_a_first_reply_that_is_cancelled_leaves_no_second_model(
    model: K25Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading goes on, and the next reply waits for it."""
    slow = SlowLoading(monkeypatch)
    await slow.cancel_a_reply(model)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(model.reply, request())
        await anyio.wait_all_tasks_blocked()
        slow.go_on.set()
    assert slow.loads == len(running()) == 1


async def test_closing_waits_for_a_reading_that_was_given_up(
    model: K25Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread is left, and no weights."""
    slow = SlowLoading(monkeypatch)
    await slow.cancel_a_reply(model)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(model.aclose)
        await anyio.wait_all_tasks_blocked()
        slow.go_on.set()
    assert slow.loads == 1 and not running()
