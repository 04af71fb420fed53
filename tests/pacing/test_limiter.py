"""Who is admitted when, and that nobody is lost, overtaken or starved. In virtual time."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
import virtual_time
from endpoints import Endpoint, Script, fault, make_limiter
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import Fault, ModelError
from openswarm.pacing.capacity import UNLIMITED
from openswarm.pacing.limiter import Limiter, Pacing

pytestmark = pytest.mark.anyio


Attempt = Callable[[], Awaitable[str]]


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time.backend()


@pytest.mark.requirement("pacing.no-ramp")
async def test_there_is_no_ramp_a_hundred_are_admitted_at_once() -> None:
    limiter, inside, all_inside = make_limiter(), 0, anyio.Event()

    async def attempt() -> str:
        nonlocal inside
        inside += 1
        if inside == 100:
            all_inside.set()
        await all_inside.wait()
        return "ok"

    with anyio.fail_after(1):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(limiter.call, attempt)
    assert inside == 100


@pytest.mark.requirement("pacing.learn")
async def test_an_endpoint_that_takes_twenty_is_found_within_one_burst() -> None:
    limiter, endpoint = make_limiter(), Endpoint(takes=20)
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(limiter.call, endpoint)
        await anyio.sleep(0.5)
        assert limiter.capacity.limit == endpoint.in_flight == 20
        assert endpoint.refused == 80


@pytest.mark.requirement("pacing.learn")
async def test_all_survive_at_twenty_at_once_near_the_ideal_time_with_few_refusals() -> None:
    limiter, endpoint = make_limiter(), Endpoint(takes=20)
    done = 0

    async def agent() -> None:
        nonlocal done
        for _ in range(15):
            await limiter.call(endpoint)
        done += 1

    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(agent)
    ideal = 100 * 15 / 20 * endpoint.latency_s
    assert done == 100
    assert anyio.current_time() - begun <= 1.25 * ideal
    assert endpoint.refused < 0.25 * endpoint.calls


async def test_an_endpoint_that_takes_more_again_is_used_again() -> None:
    limiter, endpoint = make_limiter(limit=2), Endpoint(takes=50)
    async with anyio.create_task_group() as tasks:
        for _ in range(400):
            tasks.start_soon(limiter.call, endpoint)
    assert limiter.capacity.limit >= 20
    assert endpoint.refused < 10


async def test_a_waiter_that_is_cancelled_loses_no_place() -> None:
    limiter = make_limiter(limit=1)
    done: list[str] = []

    async def call(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            await limiter.call(Script(name, latency_s=10))
            done.append(name)

    scopes = {name: anyio.CancelScope() for name in "abcd"}
    with anyio.fail_after(100):
        async with anyio.create_task_group() as tasks:
            for name, scope in scopes.items():
                tasks.start_soon(call, name, scope)
                await anyio.sleep(1)
            scopes["b"].cancel()
            await anyio.sleep(1)
            scopes["a"].cancel()
            scopes["c"].cancel()
    assert done == ["d"]
    assert limiter.capacity.in_flight == 0


async def test_a_call_that_is_cancelled_at_work_gives_its_place_free() -> None:
    limiter = make_limiter(limit=1)
    with anyio.move_on_after(5):
        await limiter.call(Script("never", latency_s=1000))
    with anyio.fail_after(1):
        assert await limiter.call(Script("ok")) == "ok"


async def test_an_error_that_is_not_the_models_gives_its_place_free() -> None:
    limiter = make_limiter(limit=1)

    async def broken() -> str:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        await limiter.call(broken)
    assert limiter.capacity.in_flight == 0


async def test_one_who_waits_is_not_overtaken_by_one_that_calls_again_at_once() -> None:
    limiter, patient = make_limiter(limit=4), Script("ok", latency_s=1)

    async def busy() -> None:
        for _ in range(3):
            await limiter.call(Script("ok", latency_s=1))

    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(limiter.call, Script("ok", latency_s=100))
        tasks.start_soon(busy)
        await anyio.sleep(0.5)
        tasks.start_soon(limiter.call, patient)
    assert patient.times == [begun + 1], "it has the place that busy gave free"


async def test_those_who_wait_are_admitted_in_their_order() -> None:
    limiter = make_limiter(limit=2)
    admitted: dict[int, float] = {}

    async def call(number: int) -> None:
        async def attempt() -> str:
            admitted[number] = anyio.current_time()
            await anyio.sleep(1)
            return "ok"

        await limiter.call(attempt)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(call, number)
            await anyio.sleep(0.001)
    times = [admitted[number] for number in range(20)]
    assert times == sorted(times)
    assert times[-1] > times[0]


async def test_a_caller_is_told_why_it_waits_and_that_it_goes_on() -> None:
    limiter, news = make_limiter(), []
    script = Script(fault(Fault.SERVER), fault(Fault.THROTTLED, retry_after_s=7), "ok")
    await limiter.call(
        script, on_wait=lambda why, s: news.append((why, s)), on_go=lambda: news.append("go")
    )
    assert news == [("server", 0.5), "go", ("throttled", 7.0), "go"]


async def test_a_caller_that_stood_in_the_queue_is_told_that_it_goes_on() -> None:
    limiter, news = make_limiter(limit=1), []

    async def second() -> None:
        await limiter.call(
            Script("ok"),
            on_wait=lambda why, _: news.append(why),
            on_go=lambda: news.append("go"),
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.call, Script("ok", latency_s=5))
        await anyio.sleep(1)
        tasks.start_soon(second)
    assert news == ["queued", "go"]


async def test_a_changed_capacity_is_reported_once_not_at_each_small_step() -> None:
    told: list[int] = []
    limiter = Limiter(
        "endpoint",
        on_change=lambda name, limit, _: told.append(limit),
        clock=anyio.current_time,
    )
    endpoint = Endpoint(takes=20)
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(limiter.call, endpoint)
    assert told[0] == 20
    assert len(told) <= 5


async def test_each_resource_of_a_run_has_one_limiter() -> None:
    pacing = Pacing()
    assert pacing.limiter("a") is pacing.limiter("a")
    assert pacing.limiter("a") is not pacing.limiter("b")


OUTCOMES = st.one_of(
    st.just("ok"),
    st.sampled_from([Fault.SERVER, Fault.BROKEN, Fault.THROTTLED, Fault.STALLED, Fault.AUTH]).map(
        fault
    ),
    st.floats(0, 3).map(lambda s: fault(Fault.THROTTLED, retry_after_s=s)),
)


CALLS = st.lists(
    st.tuples(
        st.integers(0, 3),  # when it comes
        st.lists(OUTCOMES, max_size=4),  # how its attempts end, before one succeeds
        st.integers(0, 3),  # how long an attempt takes
        st.one_of(st.none(), st.integers(0, 10)),  # when it is cancelled
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60, deadline=None)
@given(limit=st.one_of(st.just(UNLIMITED), st.integers(1, 4)), calls=CALLS)
def test_whatever_happens_the_limit_holds_every_call_ends_once_and_nobody_starves(
    limit: int, calls: list[tuple[int, list[ModelError | str], int, int | None]]
) -> None:
    ended = [0] * len(calls)

    async def main() -> None:
        limiter = make_limiter(limit)

        async def call(number: int) -> None:
            start, steps, latency_s, cancel = calls[number]
            script = Script(*steps, "ok", latency_s=latency_s)

            async def attempt() -> str:
                assert limiter.capacity.in_flight <= limiter.capacity.limit
                return await script()

            await anyio.sleep(start)
            with anyio.move_on_after(1e6 if cancel is None else cancel):
                try:
                    assert await limiter.call(attempt, retry_s=20) == "ok"
                except ModelError:
                    assert script.times
            ended[number] += 1

        async with anyio.create_task_group() as tasks:
            for number in range(len(calls)):
                tasks.start_soon(call, number)
        assert limiter.capacity.in_flight == 0
        with anyio.fail_after(30):
            assert await limiter.call(Script("ok")) == "ok"

    virtual_time.run(main, limit_s=2000)
    assert ended == [1] * len(calls)
