"""Named resources: limits that are set, distances between calls, and turns between agents."""

from functools import partial
from itertools import pairwise

import anyio
import pytest

from openswarm.core.errors import Fault, WebError
from openswarm.core.tooling import ResourceLimit
from openswarm.pacing.limiter import Limiter, Pacing

pytestmark = pytest.mark.anyio


class Calls:
    """Calls to one resource that end when they are let go."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.order: list[str] = []
        self.inside = self.most = 0
        self.turn = anyio.Semaphore(0)

    async def call(self, holder: str) -> None:
        async def attempt() -> None:
            self.order.append(holder)
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.turn.acquire()
            self.inside -= 1

        await self.limiter.call(attempt, holder=holder)


@pytest.mark.requirement("resources.named")
async def test_a_resource_never_admits_more_than_it_was_set_to() -> None:
    calls = Calls(Limiter("db", ResourceLimit(at_once=3)))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(calls.call, f"root/{number}")
            await anyio.wait_all_tasks_blocked()
            assert calls.inside == 3
            for _ in range(20):
                calls.turn.release()
    assert calls.most == 3
    assert len(calls.order) == 20


async def test_clean_rounds_do_not_lift_a_limit_that_was_set() -> None:
    limiter = Limiter("db", ResourceLimit(at_once=2))
    for _ in range(50):
        await limiter.call(anyio.lowlevel.checkpoint)
    assert limiter.capacity.limit == 2


@pytest.mark.requirement("resources.fair")
async def test_an_agent_with_one_call_waits_for_one_call_of_an_agent_with_a_hundred() -> None:
    calls = Calls(Limiter("host:a", ResourceLimit(at_once=1)))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(calls.call, "greedy")
            await anyio.wait_all_tasks_blocked()
            for holder in ("one", "two"):
                tasks.start_soon(calls.call, holder)
            await anyio.wait_all_tasks_blocked()
            for _ in range(102):
                calls.turn.release()
    assert calls.order.index("one") <= 2
    assert calls.order.index("two") <= 3


@pytest.mark.requirement("resources.fair")
async def test_who_stops_waiting_leaves_the_line_and_nobody_behind() -> None:
    calls = Calls(Limiter("host:a", ResourceLimit(at_once=1)))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(calls.call, "first")
            await anyio.wait_all_tasks_blocked()
            with anyio.CancelScope() as scope:
                tasks.start_soon(_leave_when_blocked, scope)
                await calls.call("leaves")
            tasks.start_soon(calls.call, "last")
            await anyio.wait_all_tasks_blocked()
            calls.turn.release()
            calls.turn.release()
    assert calls.order == ["first", "last"]


async def _leave_when_blocked(scope: anyio.CancelScope) -> None:
    await anyio.wait_all_tasks_blocked()
    scope.cancel()


@pytest.mark.parametrize("anyio_backend", [("trio", {})], indirect=False)
@pytest.mark.requirement("resources.named")
async def test_calls_keep_the_distance_that_was_set(anyio_backend: object) -> None:
    now = [0.0]
    limiter = Limiter("host:a", ResourceLimit(interval_s=0.02), clock=lambda: now[0])
    starts: list[float] = []

    async def attempt() -> None:
        starts.append(now[0])

    async def pass_time() -> None:
        while len(starts) < 5:
            await anyio.sleep(0.001)
            now[0] += 0.001

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(partial(limiter.call, attempt, holder=str(number)))
            tasks.start_soon(pass_time)
    assert min(after - before for before, after in pairwise(starts)) >= 0.0199


async def test_any_endpoint_s_throttling_narrows_its_own_resource_alone() -> None:
    pacing = Pacing()
    outcomes = iter([WebError(Fault.THROTTLED, "429", retry_after_s=0.0), None])

    async def attempt() -> str:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        return "page"

    assert await pacing.limiter("host:a").call(attempt) == "page"
    assert pacing.limiter("host:a").capacity.limit < 10
    assert pacing.limiter("host:b").capacity.limit > 1000


@pytest.mark.requirement("resources.named")
async def test_limits_come_from_the_name_of_the_resource() -> None:
    pacing = Pacing(limit_of=lambda name: ResourceLimit(at_once=4 if name == "db" else None))
    assert pacing.limiter("db").capacity.limit == 4
    assert pacing.limiter("db") is pacing.limiter("db")
    assert pacing.limiter("other").capacity.limit > 1000
