"""The budget's gate: what does not fit waits, and no interleaving overshoots a ceiling."""

import anyio
import pytest
import virtual_time
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.budget import NOTHING, Amount, Ledger
from openswarm.core.errors import BudgetError
from openswarm.pacing.gate import BudgetGate

pytestmark = pytest.mark.anyio
STEP = Amount(steps=1)


@pytest.fixture
def anyio_backend() -> object:
    return virtual_time.backend()


@pytest.mark.requirement("budget.no-overshoot")
async def test_a_hundred_callers_at_once_never_pass_the_ceiling() -> None:
    gate = BudgetGate(Ledger(tokens=1000))
    most = Amount(tokens=90)
    refused = 0

    async def call() -> None:
        nonlocal refused
        try:
            await gate.reserve(most)
        except BudgetError:
            refused += 1
            return
        assert gate.ledger.spent.tokens + gate.ledger.reserved.tokens <= 1000
        await anyio.sleep(1)
        gate.settle(most, Amount(tokens=30))

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(call)
    assert 1000 - 90 < gate.ledger.spent.tokens <= 1000
    assert refused == 100 - gate.ledger.spent.tokens // 30
    assert gate.ledger.reserved == NOTHING


@pytest.mark.requirement("budget.wait")
async def test_what_does_not_fit_yet_waits_until_another_has_settled() -> None:
    gate = BudgetGate(Ledger(steps=2))
    await gate.reserve(Amount(steps=2))
    done: list[float] = []

    async def wait() -> None:
        await gate.reserve(STEP)
        done.append(anyio.current_time())

    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(5)
        assert not done
        gate.settle(Amount(steps=2), STEP)
    assert done == [begun + 5]


async def test_all_that_fit_at_once_get_in_at_once() -> None:
    gate = BudgetGate(Ledger(steps=10))
    await gate.reserve(Amount(steps=10))
    times: list[float] = []

    async def wait() -> None:
        await gate.reserve(STEP)
        times.append(anyio.current_time())
        await anyio.sleep(1)
        gate.settle(STEP, NOTHING)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)
        await anyio.sleep(1)
        gate.settle(Amount(steps=10), NOTHING)
    assert len(set(times)) == 1


@pytest.mark.requirement("budget.wait")
async def test_nothing_left_to_settle_is_refused_with_the_figures() -> None:
    gate = BudgetGate(Ledger(usd=2.0))
    gate.settle(NOTHING, Amount(usd=1.5))
    with pytest.raises(BudgetError, match=r"2 dollars.*1\.5 used.*raise it") as caught:
        await gate.reserve(Amount(usd=1.0))
    assert caught.value.limit == caught.value.kind == "usd"


async def test_those_who_wait_are_refused_as_soon_as_it_is_hopeless() -> None:
    gate = BudgetGate(Ledger(steps=1))
    await gate.reserve(STEP)
    refused = 0

    async def wait() -> None:
        nonlocal refused
        with pytest.raises(BudgetError):
            await gate.reserve(STEP)
        refused += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(wait)
        await anyio.sleep(1)
        gate.settle(STEP, STEP)
    assert refused == 10


@pytest.mark.requirement("budget.answer")
async def test_what_is_held_back_stays_free_for_others() -> None:
    gate = BudgetGate(Ledger(steps=3))
    await gate.reserve(STEP, held_back=STEP)
    gate.settle(STEP, STEP)
    await gate.reserve(STEP, held_back=STEP)
    gate.settle(STEP, STEP)
    with pytest.raises(BudgetError):
        await gate.reserve(STEP, held_back=STEP)
    await gate.reserve(STEP)


@pytest.mark.parametrize("pause", [0.0, 1.0])
async def test_a_waiter_that_is_cancelled_leaves_its_turn_to_the_next(pause: float) -> None:
    gate = BudgetGate(Ledger(steps=1))
    await gate.reserve(STEP)
    through: list[str] = []

    async def wait(name: str, scope: anyio.CancelScope) -> None:
        with scope:
            await gate.reserve(STEP)
            through.append(name)
            gate.settle(STEP, NOTHING)

    first = anyio.CancelScope()
    with anyio.fail_after(100):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, "first", first)
            await anyio.sleep(1)
            tasks.start_soon(wait, "second", anyio.CancelScope())
            await anyio.sleep(1)
            first.cancel()
            await anyio.sleep(pause)
            gate.settle(STEP, NOTHING)
    assert through[-1] == "second"


CALLERS = st.lists(
    st.tuples(
        st.integers(0, 3),  # when it comes
        st.integers(1, 40),  # what it reserves
        st.integers(0, 40),  # what it holds back
        st.floats(0, 1),  # which part of it is spent
        st.integers(0, 3),  # how long it works
        st.one_of(st.none(), st.integers(0, 4)),  # when it is cancelled
    ),
    min_size=1,
    max_size=25,
)


@pytest.mark.requirement("budget.no-overshoot")
@settings(max_examples=80, deadline=None)
@given(ceiling=st.integers(1, 100), callers=CALLERS)
def test_whatever_the_interleaving_nothing_is_overshot_and_no_waiter_is_lost(
    ceiling: int, callers: list[tuple[int, int, int, float, int, int | None]]
) -> None:
    gate = BudgetGate(Ledger(tokens=ceiling))
    ended = 0

    async def call(
        start: int, most: int, held_back: int, part: float, work: int, cancel: int | None
    ) -> None:
        nonlocal ended
        amount, aside = Amount(tokens=most), Amount(tokens=held_back)
        await anyio.sleep(start)
        with anyio.move_on_after(1e9 if cancel is None else cancel):
            try:
                await gate.reserve(amount, aside)
            except BudgetError:
                assert gate.ledger.spent.tokens + most + held_back > ceiling
                ended += 1
                return
            assert gate.ledger.spent.tokens + gate.ledger.reserved.tokens <= ceiling
            spent = NOTHING
            try:
                await anyio.sleep(work)
                spent = Amount(tokens=int(most * part))
            finally:
                gate.settle(amount, spent)
        ended += 1

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for caller in callers:
                tasks.start_soon(call, *caller)

    virtual_time.run(main, limit_s=1000)
    assert ended == len(callers)
    assert gate.ledger.reserved == NOTHING
    assert gate.ledger.spent.tokens <= ceiling
