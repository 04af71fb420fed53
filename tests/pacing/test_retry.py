"""What is tried again, after which pause and for how long. In virtual time."""

import anyio
import pytest
import virtual_time
from endpoints import Endpoint, Script, fault, make_limiter

from openswarm.core.errors import Fault, ModelError
from openswarm.pacing.limiter import NEVER_REACHED_S

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time.backend()


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
