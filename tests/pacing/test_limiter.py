"""The limiter: who is admitted when, what is tried again, and for how long. In virtual time."""

from collections.abc import Awaitable, Callable

import anyio
import pytest
import virtual_time
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import Fault, ModelError
from openswarm.pacing.capacity import UNLIMITED
from openswarm.pacing.limiter import NEVER_REACHED_S, Limiter, Pacing

pytestmark = pytest.mark.anyio
Attempt = Callable[[], Awaitable[str]]


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time.backend()


def make_limiter(limit: int = UNLIMITED) -> Limiter:
    limiter = Limiter("endpoint", clock=anyio.current_time, jitter=lambda: 1.0)
    limiter.capacity.limit = limit
    return limiter


def fault(kind: Fault, retry_after_s: float | None = None) -> ModelError:
    return ModelError(kind, kind.value, retry_after_s=retry_after_s)


class Endpoint:
    """A simulated endpoint that takes so many calls at once and refuses the others."""

    def __init__(self, takes: int, latency_s: float = 1.0) -> None:
        self.takes, self.latency_s = takes, latency_s
        self.in_flight = self.calls = self.refused = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.in_flight >= self.takes:
            self.refused += 1
            await anyio.sleep(0.01)
            raise fault(Fault.THROTTLED)
        self.in_flight += 1
        await anyio.sleep(self.latency_s)
        self.in_flight -= 1
        return "ok"


class Script:
    """Attempts that end as written down; the last entry is repeated."""

    def __init__(self, *steps: ModelError | str, latency_s: float = 0.0) -> None:
        self.steps, self.latency_s = steps, latency_s
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(anyio.current_time())
        await anyio.sleep(self.latency_s)
        step = self.steps[min(len(self.times), len(self.steps)) - 1]
        if isinstance(step, ModelError):
            raise step
        return step


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


@pytest.mark.requirement("pacing.retry-after")
async def test_nobody_is_admitted_before_the_time_that_the_endpoint_asked_to_wait() -> None:
    limiter = make_limiter()
    script = Script(fault(Fault.THROTTLED, retry_after_s=10), "ok")
    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(limiter.call, script)
        await anyio.sleep(1)
        for _ in range(5):
            tasks.start_soon(limiter.call, script)
    assert script.times[0] == begun
    assert len(script.times) == 7
    assert all(time >= begun + 10 for time in script.times[1:])


async def test_time_that_the_endpoint_asked_for_does_not_use_up_the_retries() -> None:
    limiter = make_limiter()
    refusal = fault(Fault.THROTTLED, retry_after_s=30)
    script = Script(refusal, refusal, refusal, "ok")
    assert await limiter.call(script, retry_s=5) == "ok"


@pytest.mark.requirement("pacing.retry")
async def test_a_failing_call_backs_off_and_ends_within_its_retry_time() -> None:
    limiter, script = make_limiter(), Script(fault(Fault.SERVER))
    begun = anyio.current_time()
    with pytest.raises(ModelError, match="server"):
        await limiter.call(script, retry_s=45)
    assert anyio.current_time() - begun <= 45
    pauses = [b - a for a, b in zip(script.times, script.times[1:], strict=False)]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == 8.0
    assert len(script.times) == 9


async def test_ten_failures_of_a_busy_server_are_survived_when_there_is_time() -> None:
    limiter, script = make_limiter(), Script(*[fault(Fault.SERVER)] * 10, "ok")
    assert await limiter.call(script, retry_s=300) == "ok"


@pytest.mark.requirement("pacing.retry")
@pytest.mark.parametrize("kind", [Fault.BROKEN, Fault.SERVER, Fault.STALLED, Fault.UNREACHABLE])
async def test_what_may_pass_is_tried_again(kind: Fault) -> None:
    assert await make_limiter().call(Script(fault(kind), "ok")) == "ok"


@pytest.mark.requirement("pacing.retry", "bad.key")
@pytest.mark.parametrize(
    "kind",
    [Fault.AUTH, Fault.QUOTA, Fault.CONTEXT, Fault.REFUSED, Fault.UNKNOWN_MODEL, Fault.PROTOCOL],
)
async def test_what_cannot_pass_is_raised_at_once(kind: Fault) -> None:
    limiter, script = make_limiter(), Script(fault(kind), "ok")
    with pytest.raises(ModelError) as caught:
        await limiter.call(script)
    assert caught.value.fault is kind
    assert len(script.times) == 1
    assert limiter.capacity.in_flight == 0


@pytest.mark.requirement("pacing.stall")
async def test_a_stall_is_tried_once_more_though_it_took_longer_than_the_retry_time() -> None:
    script = Script(fault(Fault.STALLED), "ok", latency_s=60)
    assert await make_limiter().call(script, retry_s=45) == "ok"


@pytest.mark.requirement("pacing.stall")
async def test_a_second_stall_of_one_call_is_its_end() -> None:
    script = Script(fault(Fault.STALLED), fault(Fault.STALLED), "ok")
    with pytest.raises(ModelError, match="stalled"):
        await make_limiter().call(script, retry_s=1000)
    assert len(script.times) == 2


async def test_time_in_the_queue_does_not_use_up_the_retries() -> None:
    limiter = make_limiter(limit=1)
    script = Script(fault(Fault.SERVER), "ok")
    results: list[str] = []

    async def late() -> None:
        results.append(await limiter.call(script, retry_s=45))

    with anyio.fail_after(1000):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(limiter.call, Script("slow", latency_s=100))
            await anyio.sleep(1)
            tasks.start_soon(late)
    assert results == ["ok"]


@pytest.mark.requirement("pacing.unreached", "bad.endpoint")
async def test_an_address_that_never_answered_is_given_up_after_seconds() -> None:
    limiter, script = make_limiter(), Script(fault(Fault.UNREACHABLE))
    begun = anyio.current_time()
    with pytest.raises(ModelError, match="unreachable"):
        await limiter.call(script, retry_s=45)
    assert 1 <= anyio.current_time() - begun <= NEVER_REACHED_S
    assert len(script.times) > 1


async def test_an_address_that_has_answered_before_is_tried_for_the_whole_time() -> None:
    limiter = make_limiter()
    await limiter.call(Script("ok"))
    down = [fault(Fault.UNREACHABLE)] * 6
    assert await limiter.call(Script(*down, "ok"), retry_s=45) == "ok"


async def test_a_throttled_call_lives_as_long_as_others_succeed() -> None:
    limiter, endpoint = make_limiter(), Endpoint(takes=1, latency_s=20)
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(limiter.call, endpoint)
    assert endpoint.in_flight == 0


async def test_a_throttled_call_ends_when_nobody_succeeds_any_more() -> None:
    limiter, script = make_limiter(), Script(fault(Fault.THROTTLED))
    begun = anyio.current_time()
    with pytest.raises(ModelError, match="throttled"):
        await limiter.call(script, retry_s=45)
    assert anyio.current_time() - begun <= 45


async def test_an_endpoint_that_asks_to_wait_for_nothing_is_not_stormed() -> None:
    script = Script(fault(Fault.THROTTLED, retry_after_s=0), latency_s=0.01)
    with pytest.raises(ModelError, match="throttled"):
        await make_limiter().call(script, retry_s=45)
    assert len(script.times) < 100


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
