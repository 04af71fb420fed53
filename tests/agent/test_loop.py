"""The loop of one agent: it asks, runs calls, and ends in one of the ways there are."""

import threading

import anyio
import anyio.lowlevel
import pytest
from lone_agent import PATH, Lone, calls, echo, is_told_to_stop
from pydantic import BaseModel

import openswarm
from openswarm.agent.control import Steer
from openswarm.core.budget import Ledger
from openswarm.core.errors import Fault, ModelError, ToolError
from openswarm.core.messages import Message
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.tools.tool import Tool, ToolContext, ToolResult

pytestmark = pytest.mark.anyio


class Words(BaseModel):
    words: str


async def _close(params: Words, _: ToolContext) -> ToolResult:
    return ToolResult(f"taken: {params.words}", closing=True, data=params.words)


report = Tool("report", "Hands in.", Words, _close, repeatable=True)


@pytest.mark.requirement("agent.loop")
async def test_a_reply_without_calls_is_the_end() -> None:
    lone = Lone([Say("Done.")])
    ending = await lone.run()
    assert (ending.outcome, ending.text) == ("completed", "Done.")
    assert [message.role for message in lone.messages] == ["system", "user", "assistant"]


@pytest.mark.requirement("agent.loop")
async def test_calls_are_run_and_the_model_sees_their_results() -> None:
    lone = Lone([calls(("echo", {"text": "ab"})), Say("Done.")])
    await lone.run()
    assert lone.results == ["ab"]
    assert [message.role for message in lone.requests[1].history][2:4] == ["assistant", "tool"]
    assert lone.talk.steps == 2


@pytest.mark.requirement("agent.order")
async def test_calls_of_one_turn_run_at_once_and_their_results_keep_the_order() -> None:
    first_is_last = anyio.Event()

    @openswarm.tool
    async def meet(name: str) -> str:
        """Ends in the opposite order."""
        if name == "b":
            first_is_last.set()
        await first_is_last.wait()
        return name

    lone = Lone([calls(("meet", {"name": "a"}), ("meet", {"name": "b"})), Say("Done.")], [meet])
    with anyio.fail_after(5):
        await lone.run()
    assert lone.results == ["a", "b"]
    ids = [message.tool_call_id for message in lone.messages if message.role == "tool"]
    assert ids == [call.id for call in lone.messages[2].tool_calls]


@pytest.mark.requirement("agent.wrong-call", "agent.broken-tool")
async def test_a_wrong_call_an_unknown_tool_and_a_broken_one_are_texts_and_work_goes_on() -> None:
    @openswarm.tool
    async def broken() -> str:
        """Breaks."""
        raise RuntimeError("boom")

    @openswarm.tool
    async def refusing() -> str:
        """Refuses."""
        raise ToolError("there are 3 pages")

    wanted = (("echo", {"txt": 1}), ("ekko", {}), ("broken", {}), ("refusing", {}), ("echo", "{"))
    lone = Lone([calls(*wanted), Say("Done.")], [echo, broken, refusing])
    ending = await lone.run()
    assert ending.outcome == "completed"
    wrong, unknown, broke, refused, no_json = lone.results
    assert "Field required" in wrong
    assert "its parameters are" in wrong
    assert "There is no tool 'ekko'. The tools: echo, broken, refusing." in unknown
    assert "broke with RuntimeError: boom" in broke
    assert refused == "refusing failed: there are 3 pages"
    assert "Invalid JSON" in no_json


@pytest.mark.requirement("swarm.outcomes")
@pytest.mark.parametrize("text", ["", "  \n "])
async def test_a_model_that_answers_nothing_ends_empty(text: str) -> None:
    ending = await Lone([Say(text)]).run()
    assert (ending.outcome, ending.why) == ("empty", "the model answered nothing")


async def test_a_model_that_cannot_be_had_is_raised() -> None:
    lone = Lone([Say(error=ModelError(Fault.AUTH, "check the key"))])
    with pytest.raises(ModelError, match="check the key"):
        await lone.run()


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


async def test_a_tool_that_closes_ends_the_work_with_what_it_was_given() -> None:
    lone = Lone([calls(("report", {"words": "42"}))], [echo, report])
    ending = await lone.run()
    assert ending.outcome == "completed"
    assert ending.closing is not None
    assert ending.closing.data == "42"


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


async def test_a_review_can_ask_for_more_before_it_accepts() -> None:
    def review(last: Message) -> str:
        return "Say more." if len(last.text) < 10 else ""

    lone = Lone([Say("Short."), Say("Long enough now.")], options={"review": review})
    ending = await lone.run()
    assert (ending.outcome, ending.text) == ("completed", "Long enough now.")
    assert lone.messages[-2] == Message(role="user", content="Say more.")


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


@pytest.mark.requirement("agent.steer")
async def test_words_for_a_running_agent_are_read_at_its_next_turn() -> None:
    def first(_: Request) -> Say:
        lone.control.steer(Steer("Mind the annex.", "ana", request="r1"))
        return calls(("echo", {"text": "x"}))

    lone = Lone([first, Say("Done.")])
    await lone.run()
    roles = [message.role for message in lone.messages]
    assert roles == ["system", "user", "assistant", "tool", "user", "assistant"]
    assert lone.messages[4].text == "Mind the annex."
    (steered,) = lone.happened("steered")
    assert (steered.by, steered.request, steered.agent) == ("ana", "r1", PATH)


@pytest.mark.requirement("agent.steer")
async def test_words_that_came_with_the_answer_are_read_before_it_counts() -> None:
    def first(_: Request) -> Say:
        lone.control.steer(Steer("One more thing.", "ana"))
        return Say("Done.")

    lone = Lone([first, Say("Done, and the other thing.")])
    assert (await lone.run()).text == "Done, and the other thing."


@pytest.mark.requirement("swarm.lost-call")
async def test_a_call_that_may_have_taken_effect_is_not_run_again_after_a_crash() -> None:
    runs: list[str] = []

    @openswarm.tool
    async def send(to: str) -> str:
        """Sends a letter."""
        runs.append(to)
        return "sent"

    lone = Lone(
        [calls(("send", {"to": "ana"}), ("echo", {"text": "x"})), Say("Done.")], [send, echo]
    )
    await lone.run()
    kinds = [event.type for event in lone.journal.events()]
    again = lone.resumed(kinds.index("tool_returned"))
    assert (await again.run()).outcome == "completed"
    assert runs == ["ana"]
    assert again.results == [
        "The process ended while this call was at work; whether it took effect is not known.",
        "x",
    ]


@pytest.mark.requirement("journal.durable")
async def test_a_reply_is_durable_before_its_calls_run() -> None:
    lone = Lone([calls(("echo", {"text": "x"})), Say("Done.")])
    committed = 0
    real = lone.journal.commit

    async def commit() -> None:
        nonlocal committed
        committed = len(lone.journal.events())
        await real()

    lone.journal.commit = commit  # type: ignore[method-assign]

    def check(event: object) -> None:
        if getattr(event, "type", "") == "tool_called":
            replied = [e.seq for e in lone.happened("model_replied")]
            assert committed >= replied[-1]

    lone.journal.observe(check)
    await lone.run()
    assert committed


@pytest.mark.requirement("pacing.context")
async def test_who_waits_for_an_endpoint_is_told_with_its_context_untouched() -> None:
    tries = iter([Say(error=ModelError(Fault.THROTTLED, "", retry_after_s=0.01)), Say("Done.")])
    lone = Lone(lambda _: next(tries))
    await lone.run()
    kinds = [event.type for event in lone.journal.events()]
    assert kinds == ["task_assigned", "requeued", "admitted", "model_replied"]
    assert [m.role for m in lone.messages] == ["system", "user", "assistant"]
