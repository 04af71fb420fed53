"""Each limit of a run ends it partial with an answer, and nothing is ever spent above it."""

import pytest

import openswarm
from openswarm.core.budget import Amount
from openswarm.core.events import LimitHit, ModelReplied
from openswarm.core.limits import Limits
from openswarm.core.messages import Usage
from openswarm.core.result import RunResult
from openswarm.journal.fold import fold
from openswarm.llm.model import ModelInfo, Request
from openswarm.llm.scripted import Say, ScriptedModel
from openswarm.swarm.orchestrator import held_back
from swarm_scripts import (
    COLUMNS,
    FULL,
    PRICED,
    Meeting,
    Swarm,
    batch,
    brief,
    calls,
    hand_in,
    last_told,
    of,
    scripted,
    told,
    turn,
)

pytestmark = pytest.mark.anyio
ITEMS = [f"unit {n}" for n in range(20)]


@openswarm.tool
async def look(at: str) -> str:
    """Looks."""
    return f"saw {at}"


def lead(request: Request) -> Say:
    """Assigns twenty, then answers."""
    return calls(batch(ITEMS)) if turn(request) == 0 else Say("What there is.")


def endless(request: Request) -> Say:
    """Never comes to an end while it has tools."""
    if not request.tools:
        return Say(f"As far as I came. {FULL}")
    return calls(("look", {"at": f"{brief(request)} {turn(request)}"}))


def endless_lead(request: Request) -> Say:
    """Assigns one after the other for as long as it may."""
    if not request.tools:
        return Say("What there is.")
    return calls(batch([f"unit {turn(request)}"]))


async def limited(
    limits: Limits, work: object = endless, lead: object = lead
) -> tuple[Swarm, RunResult]:
    """A run of endless sub-agents under these limits; what has a limit in dollars has a price."""
    info = PRICED if limits.usd else ModelInfo()
    model = scripted(lead, info=info, researcher=work)
    swarm = Swarm(model, limits=limits, tools=[look])
    return swarm, await swarm.run()


@pytest.mark.requirement("budget.no-overshoot")
@pytest.mark.parametrize("steps", [1, 2, 5, 20, 21, 22, 30, 100])
async def test_the_budget_of_steps_is_never_passed(steps: int) -> None:
    _, result = await limited(Limits(steps=steps, usd=None))
    assert result.stats.total_steps <= steps
    assert (result.outcome, result.why) == ("partial", "budget: steps")
    assert result.answer


@pytest.mark.requirement("budget.no-overshoot")
@pytest.mark.parametrize("tokens", [5_000, 20_000, 60_000])
async def test_the_budget_of_tokens_is_never_passed(tokens: int) -> None:
    _, result = await limited(Limits(tokens=tokens, usd=None, reply_tokens=500))
    assert result.stats.tokens.total_tokens <= tokens
    assert result.outcome == "partial"
    assert result.answer


@pytest.mark.requirement("budget.no-overshoot")
@pytest.mark.parametrize("usd", [0.5, 2.0, 5.0])
async def test_the_budget_of_dollars_is_never_passed(usd: float) -> None:
    _, result = await limited(Limits(usd=usd, reply_tokens=200))
    assert result.stats.cost_usd is not None
    assert result.stats.cost_usd <= usd
    assert result.outcome == "partial"
    assert result.answer


@pytest.mark.requirement("budget.answer")
@pytest.mark.parametrize(
    "limits",
    [
        Limits(steps=40, usd=None),
        Limits(tokens=60_000, usd=None, reply_tokens=500),
        Limits(usd=5.0, reply_tokens=200),
    ],
)
async def test_sub_agents_leave_enough_for_the_orchestrator_to_answer(limits: Limits) -> None:
    swarm, result = await limited(limits)
    assert (result.outcome, result.answer) == ("partial", "What there is.")
    assert result.why.startswith("budget: ")
    text = last_told(swarm.model)[0]
    assert "Missing: unit 0 (empty: budget: " in text


@pytest.mark.requirement("budget.forced-answer")
async def test_what_was_said_before_is_the_answer_where_no_call_is_left() -> None:
    model = scripted([calls(batch(["1"]), text="I begin with one."), Say("Done.")],
                     researcher=[Say(FULL)])  # fmt: skip
    result = await openswarm.run("Do it.", model=model, mode="swarm", limits=Limits(steps=2))
    assert (result.outcome, result.why) == ("partial", "budget: steps")
    assert result.answer == "I begin with one."


@pytest.mark.requirement("budget.forced-answer")
async def test_with_nothing_said_the_answer_says_why_and_what_rows_there_are() -> None:
    model = scripted(
        [calls(batch(["Chile"])), Say("Done.")],
        researcher=[hand_in(capital="Santiago", population="1")],
    )
    limits = Limits(steps=2)
    result = await openswarm.run(
        "Do it.", model=model, mode="swarm", limits=limits, columns=COLUMNS
    )
    assert result.outcome == "partial"
    assert result.answer == "No answer was written (budget: steps). The table has 1 row."
    assert len(result.table.rows) == 1


@pytest.mark.requirement("budget.no-overshoot")
async def test_a_hundred_at_once_share_one_budget_without_overshoot() -> None:
    usage = Usage(input_tokens=7_000, output_tokens=3_000)
    limits = Limits(tokens=400_000, usd=None, reply_tokens=3_000)
    made = batch([f"unit {n}" for n in range(100)], template="Do {{item}}." + " Look." * 1_400)
    model = scripted([calls(made), Say("Done.")], researcher=[Say(FULL, usage=usage)])
    swarm = Swarm(model, limits=limits)
    result = await swarm.run()
    assert 340_000 < result.stats.tokens.total_tokens <= 400_000
    outcomes = [report.outcome for report in swarm.reports().values()]
    assert 30 < outcomes.count("completed") < 40
    assert outcomes.count("completed") + outcomes.count("empty") == 100
    assert (result.outcome, result.answer) == ("partial", "Done.")


@pytest.mark.requirement("swarm.critical-limit")
@pytest.mark.parametrize("steps", [3, 4, 5, 9, 12])
async def test_the_limit_on_critical_steps_is_kept(steps: int) -> None:
    swarm, result = await limited(Limits(critical_steps=steps, usd=None))
    assert result.stats.critical_steps <= steps
    assert (result.outcome, result.why) == ("partial", f"limit of {steps} critical steps")
    assert result.answer == "What there is."
    assert {report.outcome for report in swarm.reports().values()} <= {"partial"}


@pytest.mark.requirement("swarm.critical-limit")
async def test_at_the_limit_on_critical_steps_the_orchestrator_answers() -> None:
    swarm, result = await limited(
        Limits(critical_steps=10, usd=None), work=[Say(FULL)], lead=endless_lead
    )
    assert result.stats.critical_steps <= 10
    assert (result.outcome, result.answer) == ("partial", "What there is.")
    assert [hit.message for hit in of(swarm, LimitHit)] == ["limit of 10 critical steps"]


@pytest.mark.requirement("swarm.critical-limit")
async def test_those_who_wait_for_a_place_have_the_critical_steps_of_their_stage() -> None:
    def work(request: Request) -> Say:
        return Say(FULL) if turn(request) == 3 else endless(request)

    model = scripted(lead, researcher=work)
    limits = Limits(critical_steps=8, max_parallel=1)
    swarm = Swarm(model, limits=limits, tools=[look])
    result = await swarm.run()
    assert {report.outcome for report in swarm.reports().values()} == {"completed"}
    assert (result.outcome, result.stats.critical_steps) == ("completed", 6)


@pytest.mark.requirement("swarm.cap")
async def test_at_the_cap_of_sub_agents_the_orchestrator_answers_with_what_there_is() -> None:
    def lead(request: Request) -> Say:
        if turn(request) == 0:
            return calls(batch(["Chile", "Peru"]))
        return calls(batch(["Laos"])) if turn(request) == 1 else Say("Two of three.")

    swarm = Swarm(scripted(lead, researcher=[Say(FULL)]), limits=Limits(max_subagents=2))
    result = await swarm.run()
    assert result.stats.sub_agents == 2
    assert "only 0 of 2 are left" in last_told(swarm.model)[1]
    assert result.answer == "Two of three."


@pytest.mark.requirement("agent.steps")
async def test_at_its_own_step_limit_the_orchestrator_answers() -> None:
    swarm, result = await limited(
        Limits(orchestrator_steps=3, usd=None), work=[Say(FULL)], lead=endless_lead
    )
    assert (result.outcome, result.why) == ("partial", "limit of 3 steps")
    assert result.answer == "What there is."
    assert len([e for e in of(swarm, ModelReplied) if e.agent == "root"]) == 4


@pytest.mark.requirement("budget.wait")
async def test_what_does_not_fit_yet_waits_until_others_have_settled() -> None:
    meeting = Meeting(1)
    limits = Limits(tokens=200_000, reply_tokens=60_000)
    usage = Usage(input_tokens=100, output_tokens=10)
    model = scripted(
        [calls(batch(ITEMS)), Say("Done.")], wait=meeting, researcher=[Say(FULL, usage=usage)]
    )
    swarm = Swarm(model, limits=limits)
    result = await swarm.run()
    assert result.outcome == "completed"
    assert meeting.most < 4
    assert {report.outcome for report in swarm.reports().values()} == {"completed"}


async def test_a_model_without_a_price_costs_nothing_that_is_known() -> None:
    model = ScriptedModel({"instant": [Say("Done.")]})
    result = await openswarm.run("Hello?", model=model, limits=Limits(usd=0.000001))
    assert (result.outcome, result.stats.cost_usd) == ("completed", None)


@pytest.mark.requirement("journal.fold")
async def test_what_was_spent_is_a_fold_over_the_journal() -> None:
    swarm, result = await limited(Limits(steps=30))
    view = fold(swarm.journal.events())
    replies = of(swarm, ModelReplied)
    assert len(replies) == result.stats.total_steps == sum(a.steps for a in view.agents.values())
    assert view.cost_usd == pytest.approx(0.02 * len(replies))
    assert view.usage.total_tokens == 110 * len(replies)
    assert told(swarm.model.requests["orchestrator"][-1])


def test_what_sub_agents_leave_over_is_a_tenth() -> None:
    assert held_back(Limits(steps=100, tokens=1000, usd=2.0)) == Amount(2, 100, 0.2)
    assert held_back(Limits(usd=None)) == Amount()
