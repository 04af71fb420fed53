"""A conversation and its journal are in step: what is folded back equals what was."""

from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lone_agent import PATH, Lone, calls, echo, is_told_to_stop, report

import openswarm
from openswarm.agent.conversation import Conversation, replay
from openswarm.core.errors import ToolError
from openswarm.core.events import AnyEvent, Content, TaskAssigned
from openswarm.core.messages import Message
from openswarm.journal.journal import INLINE_BYTES, MemoryJournal
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say
from openswarm.tools.documents import Document, fence
from openswarm.tools.tool import Tool

pytestmark = pytest.mark.anyio


LONG = "ö" * INLINE_BYTES


@openswarm.tool(read_only=True)
async def refuse(text: str) -> str:
    """Refuses."""
    raise ToolError(text)


def begun(journal: MemoryJournal) -> Conversation:
    talk = Conversation(PATH, journal)
    talk.begin(TaskAssigned(agent=PATH, system=Content(text="s"), brief=Content(text="b")))
    return talk


def replayed(journal: MemoryJournal) -> Conversation:
    return replay(PATH, journal, journal.events())


async def test_long_texts_come_back_from_their_blobs() -> None:
    lone = Lone([calls(("echo", {"text": LONG}), text=LONG), Say(LONG, reasoning=LONG)])
    await lone.run()
    (returned,) = lone.happened("tool_returned")
    assert returned.text.blob
    assert list(replayed(lone.journal).history) == lone.messages


async def test_pages_that_were_opened_are_fenced_and_come_back() -> None:
    journal = MemoryJournal()
    talk = begun(journal)
    page = Document("chile.md#1", "Capital: Santiago")
    talk.open_documents([page])
    assert fence(page) in talk.last.text
    assert list(replayed(journal).history) == list(talk.history)
    assert journal.events()[-1].sources == ("chile.md#1",)


def test_no_page_is_no_message() -> None:
    journal = MemoryJournal()
    talk = begun(journal)
    talk.open_documents([])
    assert len(talk.history) == 2


async def test_a_compacted_conversation_comes_back_compacted() -> None:
    lone = Lone([calls(("echo", {"text": "x"})), Say("Done.")])
    await lone.run()
    short = [Message(role="system", content="s"), Message(role="user", content=LONG)]
    lone.talk.compacted("summarise", short)
    assert list(replayed(lone.journal).history) == short == lone.messages
    (event,) = lone.happened("context_compacted")
    assert (event.messages_before, event.messages_after) == (5, 2)


def test_only_an_agents_own_events_are_its_conversation() -> None:
    journal = MemoryJournal()
    talk = begun(journal)
    other = Conversation("root/2", journal)
    other.begin(TaskAssigned(agent="root/2", system=Content(text="x"), brief=Content(text="y")))
    assert list(replayed(journal).history) == list(talk.history)


def test_what_was_told_before_is_known() -> None:
    journal = MemoryJournal()
    talk = begun(journal)
    talk.nudge("Say more.")
    assert talk.was_told("Say more.")
    assert not replayed(journal).was_told("Say less.")
    assert replayed(journal).was_told("Say more.")


ARGUMENTS = st.one_of(
    st.fixed_dictionaries({"text": st.text(max_size=4)}),
    st.fixed_dictionaries({"text": st.just("ö"), "times": st.just(INLINE_BYTES)}),
    st.just({"wrong": 1}),
    st.just("{broken"),
)


CALL = st.tuples(st.sampled_from(["echo", "refuse", "unknown"]), ARGUMENTS)


STEPS = st.lists(
    st.tuples(st.sampled_from(["", "Hm.", LONG]), st.lists(CALL, min_size=1, max_size=3)),
    max_size=4,
)


END = st.sampled_from(["", "Short.", LONG, report])


@pytest.mark.requirement("swarm.resume")
@settings(max_examples=30, deadline=None)
@given(steps=STEPS, end=END, last=END, max_steps=st.integers(1, 6))
def test_cut_at_every_event_it_goes_on_to_the_same_end_and_pays_no_reply_twice(
    steps: list[tuple[str, list[tuple[str, Any]]]],
    end: str | Tool,
    last: str | Tool,
    max_steps: int,
) -> None:
    def script(request: Request) -> Say:
        turn = sum(message.role == "assistant" for message in request.history)
        final = last if is_told_to_stop(request) else end
        if turn < len(steps) and not is_told_to_stop(request):
            text, wanted = steps[turn]
            return calls(*wanted, text=text)
        return Say(final) if isinstance(final, str) else calls(("report", {"words": "42"}))

    def review(message: Message) -> str:
        return "Say more." if message.text == "Short." and not was_told() else ""

    def was_told() -> bool:
        return current[-1].talk.was_told("Say more.")

    current: list[Lone] = []

    async def main() -> None:
        options = {"review": review, "closing_tools": ("report",)}
        whole = Lone(script, [echo, refuse, report], max_steps=max_steps, options=options)
        current.append(whole)
        ending = await whole.run()
        events: list[AnyEvent] = list(whole.journal.events())
        for count in range(1, len(events) + 1):
            again = whole.resumed(count)
            current.append(again)
            assert await again.run() == ending, count
            is_same = again.messages == whole.messages
            assert is_same, count
            paid = sum(event.type == "model_replied" for event in events[:count])
            assert paid + len(again.requests) == len(whole.requests), count
            is_kept = list(replayed(again.journal).history) == again.messages
            assert is_kept or ending.closing, count

    anyio.run(main)
