"""A model with its limiter and its budget: reserved before, settled after, whatever happens."""

import anyio
import pytest

from openswarm.core.budget import NOTHING, Amount, Ledger
from openswarm.core.errors import BudgetError, Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message, Usage
from openswarm.llm.model import ModelInfo, Price, Request
from openswarm.llm.paced import PacedModel
from openswarm.llm.scripted import Say, ScriptedModel, Step
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Limiter

pytestmark = pytest.mark.anyio
PRICED = ModelInfo(price=Price(input=1.0, output=10.0, cached=0.1))


class Shared:
    """One scripted model as many callers share it."""

    def __init__(self, ledger: Ledger, *steps: Step, info: ModelInfo = PRICED) -> None:
        self.gate = BudgetGate(ledger)
        self.limiter = Limiter("r", jitter=lambda: 0.0)
        self.model = ScriptedModel({"a": list(steps)}, info=info)
        self.paced = PacedModel(self.model, self.limiter, self.gate, retry_s=45)

    async def ask(self, turn: int = 0, max_tokens: int = 100) -> float | None:
        said = [Message(role="assistant", content="x")] * turn
        talk = History([Message(role="user", content="go"), *said])
        request = Request(talk, agent="a", max_tokens=max_tokens)
        return (await self.paced.reply(request)).cost_usd


@pytest.mark.requirement("budget.reserve")
async def test_a_reply_is_booked_with_its_true_tokens_and_dollars() -> None:
    usage = Usage(input_tokens=100, output_tokens=20, cached_tokens=50)
    shared = Shared(Ledger(tokens=10_000, usd=1.0), Say("x", usage=usage))
    cost = await shared.ask()
    assert cost == pytest.approx((50 * 1.0 + 50 * 0.1 + 20 * 10.0) / 1e6)
    assert shared.gate.ledger.spent == Amount(1, 120, cost)
    assert shared.gate.ledger.reserved == NOTHING


async def test_a_model_without_a_price_costs_nothing_that_is_known() -> None:
    shared = Shared(Ledger(usd=1.0), Say("x"), info=ModelInfo())
    assert await shared.ask() is None
    assert shared.gate.ledger.spent == Amount(1, 110, 0.0)


@pytest.mark.requirement("budget.reserve")
async def test_what_may_be_used_at_the_most_is_reserved_while_the_call_is_at_work() -> None:
    seen: list[Amount] = []

    def look(_: Request) -> Say:
        seen.append(shared.gate.ledger.reserved)
        return Say("x")

    shared = Shared(Ledger(tokens=10_000, usd=1.0), look)
    await shared.ask(max_tokens=500)
    assert seen[0].steps == 1
    assert seen[0].tokens >= 500
    assert seen[0].usd >= 500 * 10.0 / 1e6


async def test_what_a_reply_showed_of_its_bound_makes_the_next_one_tighter_but_never_negative() -> (
    None
):
    seen: list[int] = []

    def look(request: Request) -> Say:
        seen.append(shared.gate.ledger.reserved.tokens - request.max_tokens)
        return Say("x", usage=Usage(input_tokens=30, output_tokens=5))

    shared = Shared(Ledger(tokens=10_000), look, look, look)
    request = Request(History([Message(role="user", content="go")]), agent="a", max_tokens=100)
    paid = await shared.paced.reply(request)
    request.excess_tokens = paid.excess_tokens
    await shared.paced.reply(request)
    request.excess_tokens = 10_000
    await shared.paced.reply(request)
    bound = shared.model.input_bound(request)
    assert paid.excess_tokens == bound - 30
    assert seen == [bound, 30, 0]


@pytest.mark.requirement("budget.reserve")
async def test_a_call_that_failed_gives_back_what_it_had_reserved() -> None:
    failing = Shared(Ledger(tokens=10_000), Say(error=ModelError(Fault.AUTH, "no")))
    with pytest.raises(ModelError):
        await failing.ask()
    assert failing.gate.ledger.spent == failing.gate.ledger.reserved == NOTHING


async def test_a_call_that_is_cancelled_gives_back_what_it_had_reserved() -> None:
    slow = Shared(Ledger(tokens=10_000), Say("late", delay_s=100))
    with anyio.move_on_after(0.01):
        await slow.ask()
    assert slow.gate.ledger.reserved == NOTHING
    assert slow.limiter.capacity.in_flight == 0


async def test_a_call_that_was_tried_again_is_paid_for_once() -> None:
    tries = iter([Say(error=ModelError(Fault.THROTTLED, "", retry_after_s=0.0)), Say("x")])
    shared = Shared(Ledger(steps=1), lambda _: next(tries))
    await shared.ask()
    assert shared.gate.ledger.spent.steps == 1


@pytest.mark.parametrize(
    "ledger", [Ledger(steps=0), Ledger(tokens=200), Ledger(usd=0.0005)], ids=str
)
async def test_a_call_that_the_budget_cannot_hold_is_not_even_made(ledger: Ledger) -> None:
    shared = Shared(ledger, Say("x"))
    with pytest.raises(BudgetError):
        await shared.ask()
    assert shared.model.requests == {}


@pytest.mark.requirement("budget.no-overshoot")
async def test_a_hundred_callers_at_once_stay_within_each_ceiling() -> None:
    usage = Usage(input_tokens=90, output_tokens=100)
    shared = Shared(Ledger(steps=70, tokens=9_000, usd=0.05), Say("x", usage=usage))
    refused: list[str] = []

    async def call() -> None:
        try:
            await shared.ask()
        except BudgetError as error:
            refused.append(error.limit)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(call)
    spent = shared.gate.ledger.spent
    assert spent.tokens <= 9_000
    assert spent.usd <= 0.05
    assert spent.steps == 100 - len(refused) == 45
    assert set(refused) <= {"tokens", "usd"}
