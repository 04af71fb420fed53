"""How one agent stops: limits, repetition, cancel and kill, and what it hands back."""

import threading

import anyio
import anyio.lowlevel
import pytest
from lone_agent import Lone, calls, echo, is_told_to_stop, report

import openswarm
from openswarm.core.budget import Ledger
from openswarm.core.errors import Fault, ModelError
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("agent.steps")
async def test_at_the_step_limit_there_is_one_turn_without_tools_and_the_outcome_is_partial() -> (
    None
):
    def script(request: Request) -> Say:
        if is_told_to_stop(request):
            return Say("What I have.")
        return calls(("echo", {"text": str(len(request.history))}))

    lone = Lone(script, max_steps=3)
    ending = await lone.run()
    assert (ending.outcome, ending.text, ending.why) == (
        "partial",
        "What I have.",
        "limit of 3 steps",
    )
    assert [len(request.tools) for request in lone.requests] == [1, 1, 1, 0]
    assert len(lone.results) == 3, "what was called before the limit is run"
    (hit,) = lone.happened("limit_hit")
    assert hit.message == "limit of 3 steps"


async def test_an_agent_that_ends_on_its_last_step_is_complete() -> None:
    ending = await Lone([calls(("echo", {"text": "x"})), Say("Done.")], max_steps=2).run()
    assert ending.outcome == "completed"


async def test_what_was_said_last_is_handed_back_when_the_last_turn_brings_nothing() -> None:
    def script(request: Request) -> Say:
        return (
            Say("") if is_told_to_stop(request) else calls(("echo", {"text": "x"}), text="So far.")
        )

    ending = await Lone(script, max_steps=1).run()
    assert (ending.outcome, ending.text) == ("partial", "So far.")


async def test_a_model_that_fails_in_its_last_turn_still_hands_back_what_it_said() -> None:
    def script(request: Request) -> Say:
        if is_told_to_stop(request):
            return Say(error=ModelError(Fault.REFUSED, "no"))
        return calls(("echo", {"text": "x"}), text="So far.")

    ending = await Lone(script, max_steps=1).run()
    assert (ending.outcome, ending.text) == ("partial", "So far.")


@pytest.mark.requirement("agent.repeats")
async def test_the_third_identical_call_in_a_row_is_not_run() -> None:
    runs = 0

    @openswarm.tool
    async def look(at: str) -> str:
        """Looks."""
        nonlocal runs
        runs += 1
        return "nothing"

    def script(request: Request) -> Say:
        return Say("I was stuck.") if is_told_to_stop(request) else calls(("look", {"at": "x"}))

    lone = Lone(script, [look])
    ending = await lone.run()
    assert runs == 2
    assert (ending.outcome, ending.text) == ("partial", "I was stuck.")
    assert ending.why == "the same call 3 times in a row"
    assert lone.results[-1] == "Stopped before it returned."


async def test_a_call_that_differs_in_between_is_no_repetition() -> None:
    texts = ["x", "x", "y", "x", "x", "y"]
    steps = [calls(("echo", {"text": text})) for text in texts]
    lone = Lone([*steps, Say("Done.")])
    assert (await lone.run()).outcome == "completed"
    assert lone.results == texts


@pytest.mark.requirement("agent.repeats")
async def test_the_repetition_is_seen_across_a_resume() -> None:
    def script(request: Request) -> Say:
        return Say("Stuck.") if is_told_to_stop(request) else calls(("echo", {"text": "x"}))

    lone = Lone(script)
    await lone.run()
    second = [i for i, e in enumerate(lone.journal.events(), 1) if e.type == "tool_returned"][1]
    again = lone.resumed(second)
    assert (await again.run()).why == "the same call 3 times in a row"
    assert len(again.requests) == 2


@pytest.mark.requirement("agent.cancel")
async def test_only_tools_that_close_are_left_for_the_last_turn() -> None:
    def script(request: Request) -> Say:
        if is_told_to_stop(request):
            return calls(("report", {"words": "half"}))
        return calls(("echo", {"text": "x"}))

    lone = Lone(script, [echo, report], max_steps=1, options={"closing_tools": ("report",)})
    ending = await lone.run()
    assert [spec.name for spec in lone.requests[-1].tools] == ["report"]
    assert (ending.outcome, ending.why) == ("partial", "limit of 1 steps")
    assert ending.closing is not None
    assert ending.closing.data == "half"


@pytest.mark.requirement("agent.cancel")
async def test_a_tool_that_was_taken_away_is_not_run_in_the_last_turn() -> None:
    ran: list[str] = []

    @openswarm.tool
    async def write(text: str) -> str:
        """Writes."""
        ran.append(text)
        return "written"

    def script(request: Request) -> Say:
        stopping = is_told_to_stop(request)
        return calls(("write", {"text": "late" if stopping else "early"}), text="So far.")

    ending = await Lone(script, [write], max_steps=1).run()
    assert ran == ["early"]
    assert (ending.outcome, ending.text) == ("partial", "So far.")


@pytest.mark.requirement("budget.forced-answer")
async def test_a_budget_that_is_used_up_ends_in_what_was_said() -> None:
    step = calls(("echo", {"text": "x"}), text="So far.")
    lone = Lone([step, Say("Never.")], ledger=Ledger(steps=1))
    ending = await lone.run()
    assert (ending.outcome, ending.text, ending.why) == ("partial", "So far.", "budget: steps")
    assert [hit.limit for hit in lone.happened("limit_hit")] == ["steps"]


async def test_a_further_reason_to_stop_is_asked_for_after_each_round() -> None:
    asked = iter(["", "the sun has set"])

    def script(request: Request) -> Say:
        if is_told_to_stop(request):
            return Say("Home.")
        return calls(("echo", {"text": str(len(request.history))}))

    lone = Lone(script, options={"stop_when": lambda: next(asked, "")})
    ending = await lone.run()
    assert (ending.outcome, ending.why) == ("partial", "the sun has set")


@pytest.mark.requirement("agent.cancel")
async def test_cancel_during_a_model_call_leads_to_one_turn_to_hand_back() -> None:
    asked = anyio.Event()

    def script(request: Request) -> Say:
        if is_told_to_stop(request):
            return Say("What I have.")
        asked.set()
        return Say("Never.", delay_s=1000)

    lone = Lone(script)
    endings = []

    async def work() -> None:
        endings.append(await lone.run())

    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await asked.wait()
            lone.control.cancel("cancelled by ana")
    (ending,) = endings
    assert (ending.outcome, ending.text) == ("partial", "What I have.")
    assert ending.why == "cancelled by ana"
    assert [len(request.tools) for request in lone.requests] == [1, 0]


@pytest.mark.requirement("agent.cancel")
async def test_cancel_during_a_tool_gives_the_call_up_and_hands_back() -> None:
    begun = anyio.Event()

    @openswarm.tool
    async def hang() -> str:
        """Hangs."""
        begun.set()
        await anyio.sleep_forever()
        return ""

    def script(request: Request) -> Say:
        return (
            Say("Half.")
            if is_told_to_stop(request)
            else calls(("hang", {}), ("echo", {"text": "x"}))
        )

    lone, endings = Lone(script, [hang, echo]), []

    async def work() -> None:
        endings.append(await lone.run())

    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await begun.wait()
            await anyio.wait_all_tasks_blocked()
            lone.control.cancel("enough")
    assert endings[0].text == "Half."
    assert lone.results == ["Stopped before it returned.", "x"]


async def test_an_answer_that_is_there_already_is_not_lost_to_a_cancel() -> None:
    def script(_: Request) -> Say:
        lone.control.cancelled = "just now"
        return Say("Done.")

    lone = Lone(script)
    ending = await lone.run()
    assert (ending.outcome, ending.text) == ("completed", "Done.")


@pytest.mark.requirement("agent.kill")
async def test_kill_ends_an_agent_inside_a_tool_that_hangs() -> None:
    begun = anyio.Event()

    @openswarm.tool
    async def hang() -> str:
        """Hangs."""
        begun.set()
        await anyio.sleep_forever()
        return ""

    lone, endings = Lone([calls(("hang", {}))], [hang]), []

    async def work() -> None:
        with lone.control.scope:
            endings.append(await lone.run())

    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await begun.wait()
            lone.control.kill("ana")
    assert endings == []


@pytest.mark.requirement("agent.kill")
async def test_kill_ends_an_agent_inside_a_sync_tool_that_hangs() -> None:
    begun, never = threading.Event(), threading.Event()

    @openswarm.tool
    def hang() -> str:
        """Hangs in its thread."""
        begun.set()
        never.wait(60)
        return ""

    lone = Lone([calls(("hang", {}))], [hang])

    async def work() -> None:
        with lone.control.scope:
            await lone.run()

    try:
        with anyio.fail_after(2):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                while not begun.is_set():
                    await anyio.lowlevel.checkpoint()
                lone.control.kill("ana")
    finally:
        never.set()
