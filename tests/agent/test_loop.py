"""The loop of one agent: it asks, runs calls, and ends in one of the ways there are."""

import anyio
import pytest
from lone_agent import PATH, Lone, calls, echo, report

import openswarm
from openswarm.agent.control import Steer
from openswarm.core.errors import Fault, ModelError, ToolError
from openswarm.core.messages import Message
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio


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


async def test_a_tool_that_closes_ends_the_work_with_what_it_was_given() -> None:
    lone = Lone([calls(("report", {"words": "42"}))], [echo, report])
    ending = await lone.run()
    assert ending.outcome == "completed"
    assert ending.closing is not None
    assert ending.closing.data == "42"


async def test_a_review_can_ask_for_more_before_it_accepts() -> None:
    def review(last: Message) -> str:
        return "Say more." if len(last.text) < 10 else ""

    lone = Lone([Say("Short."), Say("Long enough now.")], options={"review": review})
    ending = await lone.run()
    assert (ending.outcome, ending.text) == ("completed", "Long enough now.")
    assert lone.messages[-2] == Message(role="user", content="Say more.")


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
