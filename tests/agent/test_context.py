"""Keeping a conversation within the model's window, by each of the strategies."""

from typing import Any

import pytest
from lone_agent import Lone

import openswarm
from openswarm.agent.context import DISCARDED, HIDDEN, discard_all, hide_tool_results
from openswarm.core.budget import Ledger
from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.core.settings import Strategy
from openswarm.llm.model import UNKNOWN_WINDOW, ModelInfo, Request
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio
PAGE = 1500


@openswarm.tool(read_only=True)
async def read(page: int, size: int = PAGE) -> str:
    """Reads a page, usually of about 500 tokens."""
    return f"page {page} " + "x" * size


def size(request: Request) -> int:
    """Tokens of a request, as an endpoint would count them."""
    return sum(len(m.text) + 10 for m in request.history) // 3


class Reader:
    """A model that reads pages one after the other and then answers."""

    def __init__(self, pages: int, window: int = 10**9, page: int = PAGE) -> None:
        self.pages, self.window, self.page = pages, window, page
        self.sizes: list[int] = []

    def __call__(self, request: Request) -> Say:
        counted = size(request)
        if counted > self.window:
            raise ModelError(Fault.CONTEXT, "the conversation is too long")
        self.sizes.append(counted)
        usage = Usage(input_tokens=counted, output_tokens=10)
        if request.history[-1].text.startswith("Write down"):
            return Say("Pages so far were dull.", usage=usage)
        page = len(self.sizes)
        if page > self.pages:
            return Say("Done.", usage=usage)
        return Say(calls=(("read", {"page": page, "size": self.page}),), usage=usage)


def lone(reader: Reader, strategy: Strategy, window: int = 3000) -> Lone:
    return Lone(reader, [read], window=window, strategy=strategy)


@pytest.mark.requirement("agent.context")
@pytest.mark.parametrize("strategy", ["hide_tool_results", "discard_all", "summarise"])
async def test_no_request_passes_the_window_however_much_is_read(strategy: Strategy) -> None:
    reader = Reader(pages=30)
    agent = lone(reader, strategy)
    assert (await agent.run()).outcome == "completed"
    assert max(reader.sizes) <= 3000
    assert len(agent.happened("context_compacted")) > 1


async def test_nothing_is_done_until_the_window_is_near() -> None:
    agent = lone(Reader(pages=2), "hide_tool_results")
    await agent.run()
    assert agent.happened("context_compacted") == []
    assert all(result.startswith("page") for result in agent.results)


@pytest.mark.requirement("agent.context")
async def test_hiding_keeps_the_last_round_and_all_that_the_agent_said() -> None:
    agent = lone(Reader(pages=5), "hide_tool_results")
    await agent.run()
    assert HIDDEN in agent.results
    assert agent.results[-1].startswith("page 5")
    assert [m.role for m in agent.messages].count("assistant") == 6
    compacted = agent.happened("context_compacted")[0]
    assert compacted.strategy == "hide_tool_results"


@pytest.mark.requirement("agent.context")
async def test_discarding_keeps_the_prompt_and_the_task_alone() -> None:
    agent = lone(Reader(pages=5), "discard_all")
    await agent.run()
    assert [m.text for m in agent.messages[:3]] == ["Be brief.", "Do it.", DISCARDED]


@pytest.mark.requirement("agent.context")
async def test_summarising_replaces_the_conversation_by_notes_that_are_paid_for() -> None:
    agent = lone(Reader(pages=5), "summarise")
    await agent.run()
    assert "Pages so far were dull." in agent.messages[2].text
    summary = next(r for r in agent.requests if not r.tools)
    assert summary.must_call is False
    compacted = agent.happened("context_compacted")[0]
    assert compacted.usage.output_tokens == 10
    assert agent.talk.steps == len(agent.happened("model_replied"))


@pytest.mark.requirement("bad.context")
async def test_without_a_strategy_an_overflow_is_the_end() -> None:
    agent = lone(Reader(pages=9, window=3000), "none", window=10**6)
    with pytest.raises(ModelError, match="too long"):
        await agent.run()


@pytest.mark.requirement("agent.overflow", "bad.context")
@pytest.mark.parametrize("strategy", ["hide_tool_results", "discard_all"])
async def test_an_endpoint_that_says_too_long_gets_a_shorter_one_once(strategy: Strategy) -> None:
    reader = Reader(pages=9, window=2000)
    agent = lone(reader, strategy, window=10**6)
    assert (await agent.run()).outcome == "completed"
    assert max(reader.sizes) <= 2000
    assert agent.happened("context_compacted")


@pytest.mark.requirement("agent.overflow")
async def test_what_hiding_cannot_shorten_is_discarded_when_the_endpoint_says_too_long() -> None:
    def script(request: Request) -> Say:
        if size(request) > 2000:
            return Say(error=ModelError(Fault.CONTEXT, "too long"))
        if request.history[-1].text == DISCARDED:
            return Say("Done.")
        return Say("y" * 9000, calls=(("read", {"page": 1}),))

    agent = Lone(script, [read])
    assert (await agent.run()).outcome == "completed"
    assert [m.text for m in agent.messages[2:]] == [DISCARDED, "Done."]


async def test_an_overflow_that_nothing_can_mend_is_raised_after_one_more_try() -> None:
    def script(_: Request) -> Say:
        return Say(error=ModelError(Fault.CONTEXT, "too long"))

    agent = Lone(script, [read])
    with pytest.raises(ModelError, match="too long"):
        await agent.run()
    assert len(agent.requests) <= 2


async def test_a_reply_leaves_most_of_a_small_window_to_the_conversation() -> None:
    agent = lone(Reader(pages=0), "none", window=2000)
    await agent.run()
    assert agent.requests[0].max_tokens == 500


@pytest.mark.requirement("agent.window")
def test_a_model_of_which_nothing_is_known_has_a_large_window() -> None:
    assert ModelInfo().context_tokens == UNKNOWN_WINDOW == 256 * 1024


@pytest.mark.requirement("budget.reserve")
@pytest.mark.parametrize("strategy", ["hide_tool_results", "discard_all", "summarise"])
async def test_enough_is_reserved_for_each_reply_also_when_room_was_made(
    strategy: Strategy,
) -> None:
    reader = Reader(pages=20)
    reserved: list[int] = []

    def script(request: Request) -> Say:
        reserved.append(agent.ledger.reserved.tokens - request.max_tokens)
        return reader(request)

    agent = Lone(script, [read], window=3000, strategy=strategy, ledger=Ledger(tokens=10**9))
    await agent.run()
    short = [(r, s) for r, s in zip(reserved, reader.sizes, strict=True) if r < s]
    assert short == []


def talk(*kinds: str) -> list[Message]:
    def make(index: int, kind: str) -> Message:
        extra: dict[str, Any] = {}
        if kind == "assistant":
            extra["tool_calls"] = (ToolCall(id=str(index), name="t", arguments="{}"),)
        return Message(role=kind, content=f"{kind} {index}", **extra)  # type: ignore[arg-type]

    return [make(index, kind) for index, kind in enumerate(kinds)]


def test_hiding_twice_is_hiding_once() -> None:
    messages = talk("system", "user", "assistant", "tool", "assistant", "tool", "tool")
    once = hide_tool_results(messages)
    assert [m.content == HIDDEN for m in once] == [False] * 3 + [True] + [False] * 3
    assert hide_tool_results(once) == once


def test_there_is_nothing_to_hide_or_discard_at_the_beginning() -> None:
    messages = talk("system", "user")
    assert hide_tool_results(messages) == discard_all(messages) == messages
